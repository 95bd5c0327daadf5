using System.Buffers.Binary;
using System.Net.Sockets;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Rpc;

/// <summary>A daemon whose every byte the test decides.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private Socket? _client;

    public FakeDaemon()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(_directory["s"]));
        _listener.Listen();
    }

    public delegate void Body(ref XdrWriter w);

    /// <summary>A message taken apart.</summary>
    public sealed record Message(RpcHeader Header, byte[] Payload);

    public Socket Client => _client!;

    public LibvirtUri Uri => new($"test:///default?socket={_directory["s"]}");

    public async Task<LibvirtConnection> ConnectAsync(LibvirtOptions? options = null)
    {
        var connecting = LibvirtConnection.ConnectAsync(Uri, options ?? new LibvirtOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan }, TestContext.Current.CancellationToken);
        await AcceptAsync();
        await HandshakeAsync();
        return await connecting;
    }

    public async Task AcceptAsync() => _client = await _listener.AcceptAsync(TestContext.Current.CancellationToken);

    /// <summary>Answers what a client asks when it opens a connection.</summary>
    public async Task HandshakeAsync()
    {
        await ReplyAsync(await ReadAsync(), (ref XdrWriter w) => w.I32s([0], 1));
        await ReplyAsync(await ReadAsync(), (ref XdrWriter w) => w.I32(1));
        await ReplyAsync(await ReadAsync(), (ref XdrWriter w) => { });
    }

    public async Task<Message> ReadAsync()
    {
        byte[] length = await ReadBytesAsync(4);
        byte[] message = await ReadBytesAsync(BinaryPrimitives.ReadInt32BigEndian(length) - 4);
        var r = new XdrReader(message);
        return new Message(RpcHeader.Read(ref r), r.Rest().ToArray());
    }

    /// <summary>True when the client has sent nothing that was not read. What it sends comes in order, so that a message read after this one would have been behind it.</summary>
    public bool IsQuiet => _client!.Available == 0;

    public Task ReplyAsync(Message call, Body body) => SendAsync(Frame(call.Header with { Type = RpcType.Reply, Status = RpcStatus.Ok }, body));

    public Task ReplyErrorAsync(Message call, VirError error) => SendAsync(Frame(call.Header with { Type = RpcType.Reply, Status = RpcStatus.Error }, (ref XdrWriter w) => w.One(error)));

    public Task StreamAsync(Message call, RpcStatus status, byte[] data) =>
        SendAsync(Frame(call.Header with { Type = RpcType.Stream, Status = status }, (ref XdrWriter w) => w.Raw(data)));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await _client!.SendAsync(bytes, SocketFlags.None, TestContext.Current.CancellationToken)..];
    }

    /// <summary>The connection breaks.</summary>
    public void Hangup() => _client!.Close();

    public static byte[] Frame(RpcHeader header, Body body)
    {
        var w = new XdrWriter(new byte[1024]);
        try
        {
            header.Write(ref w);
            body(ref w);
            w.PatchLength();
            return w.Written.ToArray();
        }
        finally
        {
            w.Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _listener.Dispose();
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<byte[]> ReadBytesAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int read = await _client!.ReceiveAsync(bytes.AsMemory(at), SocketFlags.None, TestContext.Current.CancellationToken);
            Assert.True(read > 0, "The client has closed the connection.");
            at += read;
        }

        return bytes;
    }
}
