using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Benchmarks.Qmp;

/// <summary>One way of asking QEMU for its status, <c>depth</c> calls in flight.</summary>
internal interface IStatusClient : IAsyncDisposable
{
    /// <summary>Makes this many calls; each answer is checked.</summary>
    Task RunAsync(int operations, int depth);
}

/// <summary>Ours, by the call that leaves nothing on the heap or by the one that returns an object.</summary>
internal sealed class SdkStatusClient(QmpClient qmp, bool typedObject) : IStatusClient
{
    private int _left;

    public static async Task<SdkStatusClient> ConnectAsync(string socket, bool typedObject) => new(await QmpClient.ConnectAsync(socket), typedObject);

    public async Task RunAsync(int operations, int depth)
    {
        _left = operations;
        var callers = new Task[depth];
        for (int i = 0; i < depth; i++)
            callers[i] = CallAsync();
        await Task.WhenAll(callers);
    }

    public ValueTask DisposeAsync() => qmp.DisposeAsync();

    private async Task CallAsync()
    {
        while (Interlocked.Decrement(ref _left) >= 0)
        {
            bool running = typedObject ? (await qmp.QueryStatusAsync()).Running : (await qmp.GetRunStatusAsync()).IsRunning;
            if (running)
                throw new InvalidOperationException("The machine was started stopped.");
        }
    }
}

/// <summary>The baseline: what one writes in an afternoon with StreamReader, JsonDocument and a dictionary of task completion sources.</summary>
internal sealed class JsonDocumentStatusClient : IStatusClient
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Dictionary<int, TaskCompletionSource<bool>> _pending = [];
    private Task _loop = Task.CompletedTask;
    private int _lastId;
    private int _left;

    private JsonDocumentStatusClient(Socket socket)
    {
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream, Encoding.UTF8);
    }

    public static async Task<JsonDocumentStatusClient> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        var client = new JsonDocumentStatusClient(socket);
        await client._reader.ReadLineAsync();
        await client._stream.WriteAsync("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}\n"u8.ToArray());
        await client._reader.ReadLineAsync();
        client._loop = client.ReadLoopAsync();
        return client;
    }

    public async Task RunAsync(int operations, int depth)
    {
        _left = operations;
        var callers = new Task[depth];
        for (int i = 0; i < depth; i++)
            callers[i] = CallAsync();
        await Task.WhenAll(callers);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        await _loop;
        _writing.Dispose();
        _reader.Dispose();
    }

    private async Task CallAsync()
    {
        while (Interlocked.Decrement(ref _left) >= 0)
        {
            if (await QueryStatusAsync())
                throw new InvalidOperationException("The machine was started stopped.");
        }
    }

    private async Task<bool> QueryStatusAsync()
    {
        int id = Interlocked.Increment(ref _lastId);
        var completion = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_pending)
            _pending.Add(id, completion);
        byte[] command = JsonSerializer.SerializeToUtf8Bytes(new { execute = "query-status", id });
        await _writing.WaitAsync();
        try
        {
            await _stream.WriteAsync(command);
        }
        finally
        {
            _writing.Release();
        }

        return await completion.Task;
    }

    private async Task ReadLoopAsync()
    {
        try
        {
            while (await _reader.ReadLineAsync() is { } line)
            {
                using var document = JsonDocument.Parse(line);
                if (!document.RootElement.TryGetProperty("id", out var id))
                    continue;
                TaskCompletionSource<bool>? completion;
                lock (_pending)
                    _pending.Remove(id.GetInt32(), out completion);
                var status = document.RootElement.GetProperty("return");
                if (status.GetProperty("status").GetString() is null)
                    throw new InvalidOperationException("No status.");
                completion!.SetResult(status.GetProperty("running").GetBoolean());
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The client was disposed.
        }
    }
}

/// <summary>The floor: an async Socket that counts line ends and parses nothing. At a depth it sends for as many replies as one receive brought.</summary>
internal sealed class BareSocketStatusClient(Socket socket) : IStatusClient
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private byte[] _commands = [];

    public static async Task<BareSocketStatusClient> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        var client = new BareSocketStatusClient(socket);
        await client.ReceiveLinesAsync();
        await socket.SendAsync("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}\n"u8.ToArray());
        await client.ReceiveLinesAsync();
        return client;
    }

    public async Task RunAsync(int operations, int depth)
    {
        byte[] command = "{\"execute\":\"query-status\",\"id\":17}\n"u8.ToArray();
        _commands = [.. Enumerable.Repeat(command, depth).SelectMany(bytes => bytes)];
        int sent = Math.Min(depth, operations);
        await socket.SendAsync(_commands.AsMemory(0, sent * command.Length));
        for (int received = 0; received < operations;)
        {
            int lines = await ReceiveLinesAsync();
            received += lines;
            int more = Math.Min(lines, operations - sent);
            sent += more;
            if (more > 0)
                await socket.SendAsync(_commands.AsMemory(0, more * command.Length));
        }
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<int> ReceiveLinesAsync()
    {
        while (true)
        {
            int bytes = await socket.ReceiveAsync(_buffer);
            if (bytes == 0)
                throw new InvalidOperationException("QEMU has gone.");
            if (_buffer.AsSpan(0, bytes).Count((byte)'\n') is > 0 and var lines)
                return lines;
        }
    }
}
