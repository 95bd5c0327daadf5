using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;

namespace Hypervisor.Sdk.Jobs.Tests.Simulated;

/// <summary>The data centre of another process, which is reached by a socket.</summary>
internal sealed class FarSite : ISite, IDisposable
{
    private readonly ConcurrentDictionary<int, TaskCompletionSource<string>> _calls = [];
    private readonly Socket _socket;
    private readonly StreamWriter _writer;
    private readonly Lock _gate = new();
    private int _last;

    private FarSite(Socket socket)
    {
        _socket = socket;
        var stream = new NetworkStream(socket);
        _writer = new StreamWriter(stream) { AutoFlush = true };
        _ = ReadAsync(new StreamReader(stream));
    }

    public static async Task<FarSite> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        return new FarSite(socket);
    }

    /// <summary>Where such sites are heard.</summary>
    public static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        return listener;
    }

    public void Dispose()
    {
        _writer.Dispose();
        _socket.Dispose();
    }

    public IEnumerable<BackendWork> WorkOf(string name) => [];

    public Task<string> SendAsync(string verb, string request, string what, long token)
    {
        int number = Interlocked.Increment(ref _last);
        var answer = _calls[number] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
            _writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{number} {verb} {request} {what} {token}"));
        return answer.Task;
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (_calls.TryRemove(int.Parse(line.AsSpan(0, space), CultureInfo.InvariantCulture), out var call))
                call.SetResult(line[(space + 1)..]);
        }
    }
}
