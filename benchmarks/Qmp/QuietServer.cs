using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Benchmarks.Qmp;

/// <summary>A QMP server that negotiates and then says nothing: for a client whose bytes come from elsewhere.</summary>
internal static class QuietServer
{
    public static async Task<QmpClient> ConnectAsync()
    {
        string directory = Directory.CreateTempSubdirectory("qmp-").FullName;
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        string path = Path.Combine(directory, "qmp");
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var serving = NegotiateAsync(listener);
        var client = await QmpClient.ConnectAsync(path);
        await serving;
        Directory.Delete(directory, recursive: true);
        return client;
    }

    private static async Task NegotiateAsync(Socket listener)
    {
        var socket = await listener.AcceptAsync();
        var stream = new NetworkStream(socket, ownsSocket: true);
        var reader = new StreamReader(stream);
        await SayAsync("""{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}""");
        await SayAsync($$"""{"return": {}, "id": {{await IdAsync()}}}""");
        await SayAsync($$"""{"return": [], "id": {{await IdAsync()}}}""");

        async Task<long> IdAsync()
        {
            using var command = JsonDocument.Parse((await reader.ReadLineAsync())!);
            return command.RootElement.GetProperty("id").GetInt64();
        }

        ValueTask SayAsync(string line) => stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"));
    }
}
