using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Tests.Qmp;

/// <summary>A simulator of a QMP server on a real unix socket, for what a real one does not do: it says what the test's script says, byte by byte.</summary>
internal sealed partial class SimulatedQmpServer : IAsyncDisposable
{
    public const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2"}, "capabilities": ["oob"]}}""";

    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly StringBuilder _read = new();
    private Socket? _client;
    private Task _script = Task.CompletedTask;

    private SimulatedQmpServer()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen();
    }

    public string SocketPath => _directory["qmp"];

    /// <summary>How many bytes the script has got rid of.</summary>
    public long SentBytes { get; private set; }

    /// <summary>Starts a server whose one connection is served by <paramref name="script"/>.</summary>
    public static SimulatedQmpServer Start(Func<SimulatedQmpServer, Task> script)
    {
        var server = new SimulatedQmpServer();
        server._script = server.RunAsync(script);
        return server;
    }

    /// <summary>A server that negotiates and answers query-commands like QEMU before the script goes on, and a client of it.</summary>
    public static async Task<(SimulatedQmpServer Server, QmpClient Client)> ConnectAsync(Func<SimulatedQmpServer, Task> script, QmpClientOptions? options = null)
    {
        var server = Start(async server =>
        {
            await server.NegotiateAsync();
            await script(server);
        });
        return (server, await QmpClient.ConnectAsync(server.SocketPath, options, TestContext.Current.CancellationToken));
    }

    public async Task NegotiateAsync()
    {
        await SendLineAsync(Greeting);
        await ReplyAsync(await ReadCommandAsync("qmp_capabilities"), "{}");
        await ReplyAsync(await ReadCommandAsync("query-commands"), """[{"name": "query-status"}, {"name": "query-commands"}, {"name": "query-name"}, {"name": "stop"}, {"name": "query-yank"}]""");
    }

    /// <summary>The next command, which must have this name: its id.</summary>
    public async Task<long> ReadCommandAsync(string? name = null)
    {
        while (true)
        {
            string all = _read.ToString();
            int end = all.IndexOf('\n', StringComparison.Ordinal);
            if (end >= 0)
            {
                _read.Remove(0, end + 1);
                using var command = JsonDocument.Parse(all[..end]);
                if (name is not null)
                    Assert.Equal(name, (command.RootElement.TryGetProperty("execute", out var execute) ? execute : command.RootElement.GetProperty("exec-oob")).GetString());
                return command.RootElement.GetProperty("id").GetInt64();
            }

            byte[] buffer = new byte[4096];
            int bytes = await _client!.ReceiveAsync(buffer);
            if (bytes == 0)
                throw new EndOfStreamException("The client has gone.");
            _read.Append(Encoding.UTF8.GetString(buffer, 0, bytes));
        }
    }

    public Task ReplyAsync(long id, string value) => SendLineAsync($$"""{"return": {{value}}, "id": {{id}}}""");

    public Task SendLineAsync(string line) => SendAsync(Encoding.UTF8.GetBytes(line + "\r\n"));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int sent = await _client!.SendAsync(bytes);
            SentBytes += sent;
            bytes = bytes[sent..];
        }
    }

    /// <summary>Returns when the client has read all that was sent.</summary>
    public async Task WaitUntilReadAsync()
    {
        while (UnreadBytes() > 0)
            await Task.Yield();
    }

    public void Close()
    {
        _client!.Shutdown(SocketShutdown.Both);
        _client.Close();
    }

    /// <summary>Waits for the script, so that its failed assertion fails the test.</summary>
    public Task ScriptAsync() => _script;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _client?.Dispose();
        try
        {
            await _script;
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException or ObjectDisposedException)
        {
            // The client went away first, or the test ended.
        }

        _directory.Dispose();
    }

    private async Task RunAsync(Func<SimulatedQmpServer, Task> script)
    {
        _client = await _listener.AcceptAsync();
        await script(this);
    }

    /// <summary>SIOCOUTQ: what the peer of a unix socket has not read yet.</summary>
    private int UnreadBytes()
    {
        const int SiocOutQ = 0x5411;
        Assert.Equal(0, Ioctl((int)_client!.Handle, SiocOutQ, out int bytes));
        return bytes;
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Ioctl(int fd, nuint request, out int value);
}
