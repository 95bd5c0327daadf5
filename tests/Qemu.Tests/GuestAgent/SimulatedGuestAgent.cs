using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Tests.GuestAgent;

/// <summary>A simulator of the host's end of an agent channel, for the agents that a real one is not: silent, late, torn, lying.</summary>
internal sealed class SimulatedGuestAgent : IAsyncDisposable
{
    public const string Info = """{"return": {"version": "7.2.22", "supported_commands": [{"enabled": true, "name": "guest-ping", "success-response": true}, {"enabled": true, "name": "guest-get-host-name", "success-response": true}, {"enabled": true, "name": "guest-shutdown", "success-response": false}]}}""";

    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<byte> _read = [];
    private Socket? _host;
    private Task _script = Task.CompletedTask;

    public string SocketPath => _directory["ga"];

    public static SimulatedGuestAgent Start(Func<SimulatedGuestAgent, Task> script)
    {
        var agent = new SimulatedGuestAgent();
        agent._listener.Bind(new UnixDomainSocketEndPoint(agent.SocketPath));
        agent._listener.Listen();
        agent._script = agent.RunAsync(script);
        return agent;
    }

    /// <summary>The next command and its id, if it has one. Bytes before a 0xFF do not count, as with the real agent.</summary>
    public async Task<(string Name, long Id)> ReadAsync()
    {
        while (true)
        {
            int end = _read.IndexOf((byte)'\n');
            if (end >= 0)
            {
                byte[] line = [.. _read[..end]];
                _read.RemoveRange(0, end + 1);
                using var command = JsonDocument.Parse(line.AsMemory(line.AsSpan().LastIndexOf((byte)0xFF) + 1));
                long id = command.RootElement.TryGetProperty("arguments", out var arguments) && arguments.TryGetProperty("id", out var value) ? value.GetInt64() : 0;
                return (command.RootElement.GetProperty("execute").GetString()!, id);
            }

            byte[] buffer = new byte[4096];
            int bytes = await _host!.ReceiveAsync(buffer);
            if (bytes == 0)
                throw new EndOfStreamException("The client has gone.");
            _read.AddRange(buffer.AsSpan(0, bytes));
        }
    }

    /// <summary>Answers guest-sync-delimited and guest-info like the real agent.</summary>
    public async Task GetIntoStepAsync()
    {
        var (name, id) = await ReadAsync();
        Assert.Equal("guest-sync-delimited", name);
        await SendAsync(new byte[] { 0xFF });
        await SendLineAsync($$"""{"return": {{id}}}""");
        Assert.Equal("guest-info", (await ReadAsync()).Name);
        await SendLineAsync(Info);
    }

    public Task SendLineAsync(string line) => SendAsync(Encoding.UTF8.GetBytes(line + "\n"));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await _host!.SendAsync(bytes)..];
    }

    public void Close() => _host!.Close();

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _host?.Dispose();
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

    private async Task RunAsync(Func<SimulatedGuestAgent, Task> script)
    {
        _host = await _listener.AcceptAsync();
        await script(this);
    }
}
