using System.Buffers.Binary;
using System.Net.Sockets;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Rpc;

/// <summary>Answers DomainGetInfo on a thread of its own, without allocating anything.</summary>
internal sealed class EchoThread
{
    private readonly Thread _thread;

    public EchoThread(FakeDaemon daemon)
    {
        var socket = daemon.Client;
        byte[] reply = FakeDaemon.Frame(new RpcHeader(RemoteProcedures.Program, 1, RemoteProcedures.DomainGetInfo.Number, RpcType.Reply, 0, RpcStatus.Ok), LibvirtCallTests.Info);
        _thread = new Thread(() => Run(socket, reply)) { IsBackground = true };
        _thread.Start();
    }

    public void Join() => _thread.Join();

    private static void Run(Socket socket, byte[] reply)
    {
        byte[] call = new byte[4096];
        try
        {
            while (Fill(socket, call.AsSpan(0, 4)) && Fill(socket, call.AsSpan(4, BinaryPrimitives.ReadInt32BigEndian(call) - 4)))
            {
                call.AsSpan(20, 4).CopyTo(reply.AsSpan(20));
                socket.Send(reply);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static bool Fill(Socket socket, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            // The socket has been used asynchronously: a receive that had to wait would allocate.
            socket.Poll(-1, SelectMode.SelectRead);
            int read = socket.Receive(bytes);
            if (read == 0)
                return false;
            bytes = bytes[read..];
        }

        return true;
    }
}
