using System.Buffers;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks.Sources;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Steady state allocates nothing: all threads of the process together, 100,000 requests over a real unix socket.</summary>
[Collection(nameof(AllocationTests))]
public sealed class HttpAllocationTests
{
    private const int Requests = 100_000;
    private const int AllowedBytes = 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(false, false, 1)]
    [InlineData(true, false, 1)]
    [InlineData(true, true, 8)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_hundred_thousand_requests_allocate_nothing(bool ownThread, bool chunked, int concurrency)
    {
        string body = new('x', 2000);
        byte[] answer = Encoding.ASCII.GetBytes(chunked
            ? $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7D0\r\n{body}\r\n0\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"1\"\r\nContent-Length: 2000\r\n\r\n{body}");
        using var server = new BlockingServer(answer);
        await using var pool = new HttpConnectionPool(
            server.Endpoint, new HttpPoolOptions { MaxConnections = concurrency, Connection = new ConnectionOptions { OwnThread = ownThread } });
        var request = new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/1.0/instances?recursion=2"), new HttpHeader("Accept", "application/json"));
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        // Loops that stay: beginning one would allocate.
        var loops = new Loop[concurrency];
        for (int i = 0; i < concurrency; i++)
            loops[i] = new Loop(pool, request, cancellation.Token);
        long allocated = await AllocationMeter.MeasureAsync(() =>
        {
            foreach (Loop loop in loops)
                loop.Go(Requests / concurrency);
            foreach (Loop loop in loops)
                loop.WaitUntilDone();
            return Task.CompletedTask;
        });
        foreach (Loop loop in loops)
            await loop.EndAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{allocated} bytes for {Requests} requests");
        Assert.InRange(allocated, 0, AllowedBytes);
    }

    /// <summary>Sends requests when it is told to; one async method that never ends, so that nothing of it is allocated while it is measured.</summary>
    private sealed class Loop
    {
        private readonly Signal _go = new();
        private readonly ManualResetEventSlim _done = new();
        private readonly Task _running;
        private int _count;

        public Loop(HttpConnectionPool pool, HttpRequest request, CancellationToken cancellationToken) => _running = RunAsync(pool, request, cancellationToken);

        public void Go(int count)
        {
            _done.Reset();
            _count = count;
            _go.Set();
        }

        /// <summary>Blocks the test's thread, which takes no part: waiting asynchronously would allocate.</summary>
        public void WaitUntilDone()
        {
            while (!_done.Wait(100, CancellationToken.None))
            {
                if (_running.IsCompleted)
                    throw new InvalidOperationException("The loop has ended.", _running.Exception);
            }
        }

        public Task EndAsync()
        {
            Go(0);
            return _running;
        }

        private async Task RunAsync(HttpConnectionPool pool, HttpRequest request, CancellationToken cancellationToken)
        {
            while (true)
            {
                await _go.WaitAsync();
                if (_count == 0)
                    return;
                for (int i = 0; i < _count; i++)
                {
                    HttpResponse response = await pool.SendAsync(request, cancellationToken);
                    if (response.Status != 200 || !response.TryGetHeader("content-type"u8, out _))
                        throw new InvalidOperationException("The answer is wrong.");
                    ReadOnlySequence<byte> body = await response.ReadSequenceAsync(cancellationToken);
                    if (body.Length != 2000)
                        throw new InvalidOperationException("The body is wrong.");
                    await response.DisposeAsync();
                }

                _done.Set();
            }
        }
    }

    /// <summary>Wakes one waiter, and again.</summary>
    private sealed class Signal : IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

        public ValueTask WaitAsync() => new(this, _core.Version);

        public void Set() => _core.SetResult(true);

        public void GetResult(short token)
        {
            _core.GetResult(token);
            _core.Reset();
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);
    }

    /// <summary>A server of blocking calls, which allocates nothing while it serves.</summary>
    private sealed class BlockingServer : IDisposable
    {
        private readonly TempDirectory _directory = new();
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly byte[] _answer;

        public BlockingServer(byte[] answer)
        {
            _answer = answer;
            _listener.Bind(new UnixDomainSocketEndPoint(_directory["s"]));
            _listener.Listen();
            new Thread(Accept) { IsBackground = true }.Start();
        }

        public HttpEndpoint Endpoint => HttpEndpoint.Unix(_directory["s"]);

        public void Dispose()
        {
            _listener.Dispose();
            _directory.Dispose();
        }

        private void Accept()
        {
            try
            {
                while (true)
                {
                    Socket socket = _listener.Accept();
                    new Thread(() => Serve(socket)) { IsBackground = true }.Start();
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private void Serve(Socket socket)
        {
            byte[] buffer = new byte[4096];
            int filled = 0;
            try
            {
                while (true)
                {
                    int bytes = socket.Receive(buffer, filled, buffer.Length - filled, SocketFlags.None);
                    if (bytes == 0)
                        return;
                    filled += bytes;
                    if (!buffer.AsSpan(0, filled).EndsWith("\r\n\r\n"u8))
                        continue;
                    filled = 0;
                    socket.Send(_answer);
                }
            }
            catch (SocketException)
            {
                // The pool was disposed.
            }
            finally
            {
                socket.Dispose();
            }
        }
    }
}
