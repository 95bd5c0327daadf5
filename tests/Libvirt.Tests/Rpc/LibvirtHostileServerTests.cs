using System.Net.Sockets;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Rpc;

public sealed class LibvirtHostileServerTests
{
    private static readonly VirStorageVol s_volume = new() { Pool = "p", Name = "v", Key = "/k" };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("00000000")]
    [InlineData("0000001B")]
    [InlineData("FFFFFFFF")]
    [InlineData("80000000")]
    [InlineData("02000005")]
    public async Task A_length_that_no_message_has_ends_the_connection_as_soon_as_it_is_there(string length)
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReadAsync();
        await daemon.SendAsync(Convert.FromHexString(length));
        var error = await Assert.ThrowsAsync<BackendProtocolException>(() => call);
        Assert.Equal((RequestOutcome.Unknown, ErrorCode.Protocol), (error.Outcome, error.Code));
    }

    public static TheoryData<string> Nonsense => ["serial", "program", "procedure", "version", "type", "status", "call", "error that is none", "keepalive", "stream", "event status"];

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Nonsense))]
    public async Task A_message_that_nothing_asked_for_ends_the_connection(string what)
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        var reply = (await daemon.ReadAsync()).Header with { Type = RpcType.Reply };
        await daemon.SendAsync(FakeDaemon.Frame(what switch
        {
            "serial" => reply with { Serial = reply.Serial + 1 },
            "program" => reply with { Program = 1 },
            "procedure" => reply with { Procedure = 1 },
            "version" => reply with { Version = 2 },
            "type" => reply with { Type = (RpcType)77 },
            "status" => reply with { Status = (RpcStatus)3 },
            "call" => reply with { Type = RpcType.Call },
            "error that is none" => reply with { Status = RpcStatus.Error },
            "keepalive" => new RpcHeader(KeepaliveProcedures.Program, 1, 3, RpcType.Message, 0, RpcStatus.Ok),
            "stream" => reply with { Type = RpcType.Stream, Status = RpcStatus.Continue },
            _ => reply with { Type = RpcType.Message, Status = RpcStatus.Error, Procedure = RemoteProcedures.DomainEventLifecycle.Number },
        }, (ref XdrWriter w) => w.Str("TEST")));
        await Assert.ThrowsAsync<BackendProtocolException>(() => call);
        Assert.IsType<BackendProtocolException>(libvirt.CloseReason);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("00000005")]
    [InlineData("FFFFFFFD00000000")]
    [InlineData("0000000161000000" + "00000000")]
    [InlineData("")]
    public async Task A_reply_that_is_not_of_its_form_fails_its_call_and_no_other(string payload)
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Raw(Convert.FromHexString(payload)));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => call);
        Assert.Equal((RequestOutcome.Unknown, ErrorCode.Protocol), (error.Outcome, error.Code));
        Assert.Null(libvirt.CloseReason);
        var second = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await second);
    }

    [Fact(Timeout = 60_000)]
    public async Task Half_a_message_and_then_silence_ends_by_keepalive()
    {
        var time = new ManualTimeProvider();
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { TimeProvider = time, KeepAliveInterval = TimeSpan.FromSeconds(5), KeepAliveCount = 2, CallTimeout = Timeout.InfiniteTimeSpan });
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        var message = await daemon.ReadAsync();
        await daemon.SendAsync(FakeDaemon.Frame(message.Header with { Type = RpcType.Reply }, (ref XdrWriter w) => w.Str("TEST")).AsMemory(0, 20));
        // Its half a message may be heard before or after the first interval.
        while (libvirt.CloseReason is null)
            time.Advance(TimeSpan.FromSeconds(5));
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => call);
        Assert.Equal((RequestOutcome.Unknown, ErrorCode.Timeout), (error.Outcome, error.Code));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_silent_daemon_is_asked_and_one_that_asks_is_answered()
    {
        var time = new ManualTimeProvider();
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { TimeProvider = time, KeepAliveInterval = TimeSpan.FromSeconds(5), KeepAliveCount = 2 });
        time.Advance(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(5));
        var ping = new RpcHeader(0x6b656570, 1, 1, RpcType.Message, 0, RpcStatus.Ok);
        Assert.Equal(ping, (await daemon.ReadAsync()).Header);
        await daemon.SendAsync(FakeDaemon.Frame(ping, (ref XdrWriter w) => { }));
        Assert.Equal(ping with { Procedure = 2 }, (await daemon.ReadAsync()).Header);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_flood_of_events_ends_the_subscription_with_an_error_and_the_connection_goes_on()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var subscribing = libvirt.SubscribeDomainEventsAsync([VirDomainEventID.Lifecycle], capacity: 10, cancellationToken: Token);
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.I32(3));
        var subscription = await subscribing;
        byte[] lifecycle = Lifecycle(3);
        for (int i = 0; i < 11; i++)
            await daemon.SendAsync(lifecycle);
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await call);
        for (int i = 0; i < 10; i++)
            Assert.Equal("web1", Assert.IsType<DomainEventCallbackLifecycleMsg>(await subscription.ReadAsync(Token)).Msg.Dom.Name);
        Assert.Equal(ErrorCode.Exhausted, (await Assert.ThrowsAsync<HypervisorException>(async () => await subscription.ReadAsync(Token))).Code);
        daemon.Hangup();
        await subscription.DisposeAsync();
    }

    [Fact(Timeout = 60_000)]
    public async Task An_event_that_overtakes_the_confirmation_of_its_registration_is_not_lost()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var subscribing = libvirt.SubscribeDomainEventsAsync([VirDomainEventID.Lifecycle], cancellationToken: Token);
        var register = await daemon.ReadAsync();
        await daemon.SendAsync(Lifecycle(8));
        await daemon.SendAsync(Lifecycle(9));
        await daemon.ReplyAsync(register, (ref XdrWriter w) => w.I32(9));
        var subscription = await subscribing;
        Assert.Equal(9, (await subscription.ReadAsync(Token)).CallbackId);
        Assert.False(subscription.TryRead(out _));
        daemon.Hangup();
        await Assert.ThrowsAsync<BackendConnectionException>(async () => await subscription.ReadAsync(Token));
        await subscription.DisposeAsync();
    }

    [Fact(Timeout = 60_000)]
    public async Task What_still_comes_of_a_stream_that_has_ended_is_dropped_and_data_of_one_that_never_was_ends_the_connection()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var (stream, opened) = await DownloadAsync(daemon, libvirt);
        await daemon.StreamAsync(opened, RpcStatus.Continue, [1, 2, 3, 4]);
        await daemon.StreamAsync(opened, RpcStatus.Continue, []);
        await daemon.StreamAsync(opened, RpcStatus.Ok, []);
        byte[] buffer = new byte[100];
        Assert.Equal(4, await stream.ReadAsync(buffer, Token));
        Assert.Equal(0, await stream.ReadAsync(buffer, Token));
        await daemon.StreamAsync(opened, RpcStatus.Continue, [5]);
        await daemon.StreamAsync(opened, RpcStatus.Continue, []);
        await daemon.StreamAsync(opened, RpcStatus.Ok, []);
        Assert.Equal(0, await stream.ReadAsync(buffer, Token));
        // The connection goes on: another stream is begun by it.
        var (next, again) = await DownloadAsync(daemon, libvirt);
        await daemon.StreamAsync(again, RpcStatus.Continue, [6]);
        Assert.Equal(1, await next.ReadAsync(buffer, Token));
        Assert.Equal(6, buffer[0]);

        await daemon.SendAsync(FakeDaemon.Frame(again.Header with { Type = RpcType.Stream, Status = RpcStatus.Continue, Serial = again.Header.Serial + 100 }, static (ref XdrWriter w) => w.Raw(new byte[] { 7 })));
        await libvirt.Closed;
        Assert.IsType<BackendProtocolException>(libvirt.CloseReason);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_comes_of_a_stream_before_the_answer_to_its_call_is_its_beginning()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        byte[] buffer = new byte[100];
        foreach (bool isWhole in new[] { false, true })
        {
            var opening = libvirt.StorageVolDownloadAsync(s_volume, 0, 0, 0, Token).AsTask();
            var opened = await daemon.ReadAsync();
            await daemon.StreamAsync(opened, RpcStatus.Continue, [1, 2, 3]);
            if (isWhole)
            {
                await daemon.StreamAsync(opened, RpcStatus.Continue, []);
                await daemon.StreamAsync(opened, RpcStatus.Ok, []);
            }

            await daemon.ReplyAsync(opened, static (ref XdrWriter w) => { });
            var stream = await opening;
            Assert.Equal(3, await stream.ReadAsync(buffer, Token));
            if (!isWhole)
            {
                await daemon.StreamAsync(opened, RpcStatus.Continue, [4]);
                await daemon.StreamAsync(opened, RpcStatus.Continue, []);
                await daemon.StreamAsync(opened, RpcStatus.Ok, []);
                Assert.Equal(1, await stream.ReadAsync(buffer, Token));
            }

            Assert.Equal(0, await stream.ReadAsync(buffer, Token));
        }

        // A call that is refused after all: the connection goes on, and what still comes is dropped.
        var refused = libvirt.StorageVolDownloadAsync(s_volume, 0, 0, 0, Token).AsTask();
        var call = await daemon.ReadAsync();
        await daemon.StreamAsync(call, RpcStatus.Continue, [1]);
        await daemon.ReplyErrorAsync(call, new VirError { Code = (int)VirErrorNumber.ErrNoStorageVol, Message = "gone" });
        await Assert.ThrowsAsync<LibvirtException>(() => refused);
        await daemon.StreamAsync(call, RpcStatus.Continue, [2]);
        var type = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await type);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_that_floods_before_the_answer_to_its_call_ends_the_connection()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var opening = libvirt.StorageVolDownloadAsync(s_volume, 0, 0, 0, Token).AsTask();
        var opened = await daemon.ReadAsync();
        byte[] much = new byte[200_000];
        for (int sent = 0; sent < 40 && !libvirt.Closed.IsCompleted; sent++)
        {
            try
            {
                await daemon.StreamAsync(opened, RpcStatus.Continue, much);
            }
            catch (SocketException)
            {
                break;
            }
        }

        await libvirt.Closed.WaitAsync(Token);
        Assert.IsType<BackendProtocolException>(libvirt.CloseReason);
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAnyAsync<HypervisorException>(() => opening)).Outcome);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_that_is_disposed_is_aborted_and_what_still_comes_is_dropped()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var (stream, opened) = await DownloadAsync(daemon, libvirt);
        await stream.DisposeAsync();
        var abort = await daemon.ReadAsync();
        Assert.Equal(opened.Header with { Type = RpcType.Stream, Status = RpcStatus.Error }, abort.Header);
        await daemon.StreamAsync(opened, RpcStatus.Continue, new byte[100]);
        await daemon.StreamAsync(opened, RpcStatus.Ok, []);
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await call);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_error_on_a_stream_is_what_its_reader_gets_after_the_data()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var (stream, opened) = await DownloadAsync(daemon, libvirt);
        await daemon.StreamAsync(opened, RpcStatus.Continue, [1]);
        await daemon.SendAsync(FakeDaemon.Frame(opened.Header with { Type = RpcType.Stream, Status = RpcStatus.Error }, (ref XdrWriter w) => w.One(new VirError { Code = 38, Message = "disk full" })));
        byte[] buffer = new byte[10];
        Assert.Equal(1, await stream.ReadAsync(buffer, Token));
        Assert.Equal("disk full", (await Assert.ThrowsAsync<LibvirtException>(async () => await stream.ReadAsync(buffer, Token))).BackendMessage);
        Assert.Equal("disk full", (await Assert.ThrowsAsync<LibvirtException>(() => stream.FinishAsync(Token))).BackendMessage);
        // libvirtd answers the end of a stream that has failed meanwhile a second time.
        await daemon.StreamAsync(opened, RpcStatus.Ok, []);
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await call);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_connection_that_breaks_in_a_transfer_leaves_its_outcome_unknown()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var (stream, _) = await DownloadAsync(daemon, libvirt);
        var finishing = stream.FinishAsync(Token);
        daemon.Hangup();
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(() => finishing)).Outcome);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_sends_faster_than_anybody_reads_is_stopped()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { StreamBufferBytes = 64 * 1024, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var (stream, opened) = await DownloadAsync(daemon, libvirt);
        const int Total = 16 * 1024 * 1024;
        byte[] frame = FakeDaemon.Frame(opened.Header with { Type = RpcType.Stream, Status = RpcStatus.Continue }, (ref XdrWriter w) => w.Raw(new byte[60_000]));
        int sent = 0;
        var unsent = new ReadOnlyMemory<byte>(frame);
        daemon.Client.Blocking = false;
        // Until the socket takes no more, many times in a row: then nobody reads at the other end.
        for (int refused = 0; refused < 2000 && sent < Total;)
        {
            int taken = daemon.Client.Send(unsent.Span, SocketFlags.None, out var error);
            refused = error == SocketError.WouldBlock ? refused + 1 : 0;
            if (error == SocketError.Success)
            {
                sent += taken;
                unsent = taken == unsent.Length ? frame : unsent[taken..];
            }

            await Task.Yield();
        }

        Assert.InRange(sent, 1, Total - 1);
        daemon.Hangup();
        await stream.DisposeAsync();
    }

    private static async Task<(LibvirtStream Stream, FakeDaemon.Message Opened)> DownloadAsync(FakeDaemon daemon, LibvirtConnection libvirt)
    {
        var opening = libvirt.StorageVolDownloadAsync(s_volume, 0, 0, 0, Token).AsTask();
        var call = await daemon.ReadAsync();
        await daemon.ReplyAsync(call, (ref XdrWriter w) => { });
        return (await opening, call);
    }

    private static byte[] Lifecycle(int callbackId) => FakeDaemon.Frame(
        new RpcHeader(RemoteProcedures.Program, 1, RemoteProcedures.DomainEventCallbackLifecycle.Number, RpcType.Message, 0, RpcStatus.Ok), (ref XdrWriter w) =>
        {
            w.I32(callbackId);
            w.One(new VirDomain { Name = "web1", Uuid = Guid.Empty, Id = 1 });
            w.I32(2);
            w.I32(0);
        });
}
