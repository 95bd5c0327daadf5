using System.Diagnostics;
using System.Net.Sockets;

namespace Hypervisor.Sdk.Benchmarks.Transport;

/// <summary>The other end: a process of its own that sends back what it receives, by blocking calls, so that the client's process spends only the client's time.</summary>
internal sealed class EchoPeer : IDisposable
{
    public const string Command = "transport-echo";

    private readonly string _directory = Directory.CreateTempSubdirectory("hv-").FullName;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Process> _processes = [];

    public EchoPeer()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(_directory, "s")));
        _listener.Listen();
    }

    /// <summary>A socket with its own echo process at the other end.</summary>
    public Socket Connect()
    {
        _processes.Add(Process.Start(new ProcessStartInfo(Environment.ProcessPath!) { ArgumentList = { Command, Path.Combine(_directory, "s") } })!);
        return _listener.Accept();
    }

    /// <summary>The echo process itself.</summary>
    public static void Run(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        byte[] buffer = new byte[64 * 1024];
        int bytes;
        while ((bytes = socket.Receive(buffer)) > 0)
            socket.Send(buffer, bytes, SocketFlags.None);
    }

    /// <summary>Ends when the sockets are closed: call it after that.</summary>
    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.WaitForExit();
            process.Dispose();
        }

        _listener.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
