using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote.Tests;

/// <summary>A peer that does not keep to the protocol: it is told so or cut off, and does no harm.</summary>
public sealed class HostilePeerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Breaches => ["a length of four gigabytes", "a length of nothing", "garbage", "an unknown kind", "an answer to nothing", "a call of the other side's number", "a number again", "data for a call without", "no name", "more data than there is credit", "a frame that ends too early"];

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Breaches))]
    public async Task What_serves_cuts_off_a_client_that_breaks_the_protocol(string breach)
    {
        var backend = new ServiceBackend(new Sink());
        using var directory = new TempDirectory();
        var (client, serving) = await ServeAsync(directory, backend);
        await using var stream = new NetworkStream(client, ownsSocket: true);
        await SendAsync(stream, 1, 1, Call("hello", "[1,\"x\",\"\"]"));
        Assert.Equal(3, (await ReadFrameAsync(stream))[0]);
        await BreakAsync(stream, breach);
        // Whatever else it still says, the connection ends, and what was opened for it is let go of.
        await backend.Disposed.WaitAsync(Token);
        await serving.WaitAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_call_that_cannot_be_read_is_refused_and_the_next_is_served()
    {
        var backend = new ServiceBackend(new Sink());
        using var directory = new TempDirectory();
        var (client, serving) = await ServeAsync(directory, backend);
        await using (var stream = new NetworkStream(client, ownsSocket: true))
        {
            await SendAsync(stream, 1, 1, Call("guestFiles.delete", "[\"a\",\"b\"]"));
            Assert.Contains("begins with a greeting", await ErrorAsync(stream), StringComparison.Ordinal);
            await SendAsync(stream, 1, 3, Call("hello", "[1,\"x\",\"\"]"));
            Assert.Equal(3, (await ReadFrameAsync(stream))[0]);
            await SendAsync(stream, 1, 5, Call("guestFiles.delete", "this is no JSON"));
            Assert.Contains("misuse", await ErrorAsync(stream), StringComparison.Ordinal);
            await SendAsync(stream, 1, 7, Call("guestFiles.delete", new string('[', 20_000)));
            Assert.Contains("misuse", await ErrorAsync(stream), StringComparison.Ordinal);
            await SendAsync(stream, 1, 9, Call("guestFiles.delete", "[\"a\",{\"deep\":" + new string('[', 60) + new string(']', 60) + "}]"));
            Assert.Contains("misuse", await ErrorAsync(stream), StringComparison.Ordinal);
            await SendAsync(stream, 1, 11, Call("no.such.call", "[]"));
            Assert.Contains("There is no call", await ErrorAsync(stream), StringComparison.Ordinal);
            await SendAsync(stream, 1, 13, Call("snapshots.list", "[\"a\"]"));
            Assert.Contains("has no ISnapshots", await ErrorAsync(stream), StringComparison.Ordinal);
            await SendAsync(stream, 1, 15, Call("guestFiles.delete", "[\"a\",\"b\"]"));
            Assert.Equal(3, (await ReadFrameAsync(stream))[0]);
        }

        await serving.WaitAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task Another_version_is_refused_with_both_numbers()
    {
        using var directory = new TempDirectory();
        var (client, serving) = await ServeAsync(directory, new ServiceBackend());
        await using (var stream = new NetworkStream(client, ownsSocket: true))
        {
            await SendAsync(stream, 1, 1, Call("hello", "[7,\"x\",\"\"]"));
            string error = await ErrorAsync(stream);
            Assert.Contains("version 7", error, StringComparison.Ordinal);
            Assert.Contains("version 1", error, StringComparison.Ordinal);
        }

        await serving.WaitAsync(Token);
        var refused = await Assert.ThrowsAsync<BackendProtocolException>(() => ConnectAsync(directory, "newer", async stream =>
        {
            await ReadFrameAsync(stream);
            await SendAsync(stream, 3, 1, "[9]"u8.ToArray());
        }));
        Assert.Contains("version 9", refused.Message, StringComparison.Ordinal);
        Assert.Contains("version 1", refused.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("Welcome to this machine!\nYou have mail.\n")]
    [InlineData("\0\0\0\u0009\u0003\0\0\0\0\0\0\0\u0001")]
    [InlineData("\0\0\0\u0009\u0003\0\0\0\0\0\0\0\u0003")]
    [InlineData("")]
    public async Task A_client_says_what_is_wrong_when_something_else_answers(string said)
    {
        using var directory = new TempDirectory();
        var error = await Assert.ThrowsAnyAsync<HypervisorException>(() => ConnectAsync(directory, "else", async stream =>
        {
            await ReadFrameAsync(stream);
            await stream.WriteAsync(Encoding.Latin1.GetBytes(said), Token);
        }));
        Assert.True(error is BackendProtocolException or BackendConnectionException, error.ToString());
        Assert.NotEqual(RequestOutcome.Unknown, error.Outcome);
    }

    private static async Task BreakAsync(NetworkStream stream, string breach)
    {
        switch (breach)
        {
            case "a length of four gigabytes":
                await stream.WriteAsync(new byte[] { 255, 255, 255, 255, 1 }, Token);
                break;
            case "a length of nothing":
                await stream.WriteAsync(new byte[4], Token);
                break;
            case "garbage":
                byte[] garbage = new byte[4096];
                new Random(5).NextBytes(garbage);
                await stream.WriteAsync(garbage, Token);
                break;
            case "an unknown kind":
                await SendAsync(stream, 99, 3, []);
                break;
            case "an answer to nothing":
                await SendAsync(stream, 3, 2, "[]"u8.ToArray());
                break;
            case "a call of the other side's number":
                await SendAsync(stream, 1, 4, Call("backend.checkHealth", "[]"));
                break;
            case "a number again":
                await SendAsync(stream, 1, 1, Call("backend.checkHealth", "[]"));
                break;
            case "data for a call without":
                await SendAsync(stream, 1, 3, Call("guestFiles.delete", "[\"wait\",\"b\"]"));
                await SendAsync(stream, 5, 3, [1]);
                break;
            case "no name":
                await SendAsync(stream, 1, 3, [200, 65]);
                break;
            case "more data than there is credit":
                await SendAsync(stream, 2, 3, Call("guestFiles.write", "[\"wait\",\"b\",null]"));
                for (int i = 0; i < 20; i++)
                    await SendAsync(stream, 5, 3, new byte[60_000], ignoreLoss: true);
                break;
            default:
                await stream.WriteAsync(new byte[] { 0, 0, 0, 50, 1, 0 }, Token);
                stream.Socket.Shutdown(SocketShutdown.Send);
                break;
        }
    }

    private static async Task<(Socket Client, Task Serving)> ServeAsync(TempDirectory directory, IBackend backend)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory["s"]));
        listener.Listen();
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(directory["s"]), Token);
        var accepted = await listener.AcceptAsync(Token);
        return (client, BackendServer.ServeAsync(Connection.FromSocket(accepted), (_, _) => Task.FromResult(backend)));
    }

    private static async Task ConnectAsync(TempDirectory directory, string name, Func<NetworkStream, Task> serve)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory[name]));
        listener.Listen();
        var serving = Task.Run(async () =>
        {
            await using var stream = new NetworkStream(await listener.AcceptAsync(Token), ownsSocket: true);
            await serve(stream);
        }, Token);
        try
        {
            await using var backend = await RemoteBackend.ConnectAsync(new RemoteBackendOptions { Connect = token => Connection.ConnectUnixAsync(directory[name], null, token) }, Token);
        }
        finally
        {
            await serving;
        }
    }

    private static byte[] Call(string name, string arguments) => [(byte)name.Length, .. Encoding.UTF8.GetBytes(name), .. Encoding.UTF8.GetBytes(arguments)];

    private static async Task SendAsync(NetworkStream stream, byte kind, ulong id, byte[] payload, bool ignoreLoss = false)
    {
        byte[] frame = new byte[13 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, 9 + payload.Length);
        frame[4] = kind;
        BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(5), id);
        payload.CopyTo(frame, 13);
        try
        {
            await stream.WriteAsync(frame, Token);
        }
        catch (IOException) when (ignoreLoss)
        {
            // It has cut us off already, as it must.
        }
    }

    /// <summary>A frame without its length.</summary>
    private static async Task<byte[]> ReadFrameAsync(NetworkStream stream)
    {
        byte[] prefix = new byte[4];
        await stream.ReadExactlyAsync(prefix, Token);
        byte[] frame = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
        await stream.ReadExactlyAsync(frame, Token);
        return frame;
    }

    private static async Task<string> ErrorAsync(NetworkStream stream)
    {
        byte[] frame = await ReadFrameAsync(stream);
        Assert.Equal(4, frame[0]);
        return Encoding.UTF8.GetString(frame.AsSpan(9));
    }

    /// <summary>Takes nothing.</summary>
    private sealed class Sink : IGuestFiles
    {
        public Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => Task.FromResult(Stream.Null);

        public Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default) => Task.Delay(Timeout.Infinite, cancellationToken);

        public IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<GuestFile>();

        public Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => id.ToString() == "wait" ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.CompletedTask;
    }
}
