using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Rpc;

public sealed class LibvirtCallTests
{
    private static readonly VirDomain s_domain = new() { Name = "web1", Uuid = new Guid("00112233-4455-6677-8899-aabbccddeeff"), Id = 7 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_call_has_the_bytes_of_the_protocol()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var call = libvirt.DomainGetInfoAsync(s_domain, Token).AsTask();
        var message = await daemon.ReadAsync();
        Assert.Equal(new RpcHeader(0x20008086, 1, 16, RpcType.Call, 4, RpcStatus.Ok), message.Header);
        Assert.Equal("00000004" + "77656231" + "00112233445566778899AABBCCDDEEFF" + "00000007", Convert.ToHexString(message.Payload));
        await daemon.ReplyAsync(message, Info);
        Assert.Equal(4096ul, (await call).MaxMem);
    }

    [Fact(Timeout = 60_000)]
    public async Task Replies_are_found_at_every_split()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        int length = RpcHeader.PrefixBytes + 32;
        for (int split = 1; split < length; split++)
        {
            var call = libvirt.DomainGetInfoAsync(s_domain, Token).AsTask();
            var message = await daemon.ReadAsync();
            byte[] reply = FakeDaemon.Frame(message.Header with { Type = RpcType.Reply }, Info);
            Assert.Equal(length, reply.Length);
            await daemon.SendAsync(reply.AsMemory(0, split));
            Assert.False(call.IsCompleted);
            await daemon.SendAsync(reply.AsMemory(split));
            var info = await call;
            Assert.Equal((1, 4096ul, 2048ul, 2, 99ul), (info.State, info.MaxMem, info.Memory, info.NrVirtCpu, info.CpuTime));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_connection_that_ends_within_a_reply_leaves_the_outcome_unknown_wherever_it_ends()
    {
        for (int cut = 0; cut < RpcHeader.PrefixBytes + 32; cut += 5)
        {
            await using var daemon = new FakeDaemon();
            await using var libvirt = await daemon.ConnectAsync();
            var call = libvirt.DomainGetInfoAsync(s_domain, Token).AsTask();
            var message = await daemon.ReadAsync();
            await daemon.SendAsync(FakeDaemon.Frame(message.Header with { Type = RpcType.Reply }, Info).AsMemory(0, cut));
            daemon.Hangup();
            var error = await Assert.ThrowsAsync<BackendConnectionException>(() => call);
            Assert.Equal((RequestOutcome.Unknown, ErrorCode.Unavailable), (error.Outcome, error.Code));
            Assert.Same(error, libvirt.CloseReason);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Replies_in_another_order_reach_the_calls_that_they_answer()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var first = libvirt.ConnectGetHostnameAsync(Token).AsTask();
        var second = libvirt.ConnectGetTypeAsync(Token).AsTask();
        var (a, b) = (await daemon.ReadAsync(), await daemon.ReadAsync());
        await daemon.ReplyAsync(b, (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await second);
        await daemon.ReplyAsync(a, (ref XdrWriter w) => w.Str("host1"));
        Assert.Equal("host1", await first);
    }

    [Fact(Timeout = 60_000)]
    public async Task No_more_calls_are_under_way_than_the_daemon_takes()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { MaxClientRequests = 2, MaxWaitingCalls = 2, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var calls = Enumerable.Range(0, 4).Select(_ => libvirt.ConnectGetHostnameAsync(Token).AsTask()).ToList();
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => libvirt.ConnectGetHostnameAsync(Token).AsTask());
        Assert.Equal((RequestOutcome.NotSent, ErrorCode.Exhausted), (refused.Outcome, refused.Code));

        var first = await daemon.ReadAsync();
        var second = await daemon.ReadAsync();
        Assert.True(daemon.IsQuiet);
        await daemon.ReplyAsync(second, (ref XdrWriter w) => w.Str("b"));
        Assert.Equal("b", await calls[1]);
        var third = await daemon.ReadAsync();
        Assert.True(daemon.IsQuiet);
        await daemon.ReplyAsync(first, (ref XdrWriter w) => w.Str("a"));
        await daemon.ReplyAsync(third, (ref XdrWriter w) => w.Str("c"));
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("d"));
        Assert.Equal(["a", "b", "c", "d"], await Task.WhenAll(calls));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_broken_connection_tells_which_calls_were_sent_and_which_were_not()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { MaxClientRequests = 1, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var sent = libvirt.DomainCreateAsync(s_domain, Token).AsTask();
        var waiting = libvirt.DomainCreateAsync(s_domain, Token).AsTask();
        await daemon.ReadAsync();
        daemon.Hangup();
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(() => sent)).Outcome);
        Assert.Equal(RequestOutcome.NotSent, (await Assert.ThrowsAsync<BackendConnectionException>(() => waiting)).Outcome);
        Assert.Equal(RequestOutcome.NotSent, (await Assert.ThrowsAsync<BackendConnectionException>(() => libvirt.DomainCreateAsync(s_domain, Token).AsTask())).Outcome);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_call_that_is_cancelled_while_it_waits_is_never_sent()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { MaxClientRequests = 1, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        using var cancelling = new CancellationTokenSource();
        var first = libvirt.ConnectGetHostnameAsync(Token).AsTask();
        var cancelled = libvirt.DomainDestroyAsync(s_domain, cancelling.Token).AsTask();
        var third = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await cancelling.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(cancelling.Token, error.CancellationToken);
        Assert.Contains("before it was sent", error.Message, StringComparison.Ordinal);
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("host1"));
        await first;
        var next = await daemon.ReadAsync();
        Assert.Equal(RemoteProcedures.ConnectGetType.Number, next.Header.Procedure);
        await daemon.ReplyAsync(next, (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await third);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_call_that_is_cancelled_after_it_was_sent_keeps_its_serial_until_the_reply()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { MaxClientRequests = 2, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        using var cancelling = new CancellationTokenSource();
        var cancelled = libvirt.ConnectGetHostnameAsync(cancelling.Token).AsTask();
        var message = await daemon.ReadAsync();
        await cancelling.CancelAsync();
        Assert.Contains("may have been executed", (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled)).Message, StringComparison.Ordinal);

        var second = libvirt.ConnectGetTypeAsync(Token).AsTask();
        var next = await daemon.ReadAsync();
        Assert.NotEqual(message.Header.Serial, next.Header.Serial);
        await daemon.ReplyAsync(message, (ref XdrWriter w) => w.Str("too late"));
        await daemon.ReplyAsync(next, (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await second);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_call_that_is_not_answered_in_time_has_an_unknown_outcome_and_the_connection_goes_on()
    {
        var time = new ManualTimeProvider();
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync(new LibvirtOptions { TimeProvider = time, CallTimeout = TimeSpan.FromSeconds(10), KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var late = libvirt.ConnectGetHostnameAsync(Token).AsTask();
        var message = await daemon.ReadAsync();
        time.Advance(TimeSpan.FromSeconds(11));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => late);
        Assert.Equal((RequestOutcome.Unknown, ErrorCode.Timeout), (error.Outcome, error.Code));
        await daemon.ReplyAsync(message, (ref XdrWriter w) => w.Str("late"));
        var second = libvirt.ConnectGetTypeAsync(Token).AsTask();
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await second);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_error_keeps_what_libvirt_said_word_for_word()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        var call = libvirt.DomainGetInfoAsync(s_domain, Token).AsTask();
        await daemon.ReplyErrorAsync(await daemon.ReadAsync(), new VirError
        {
            Code = 42, Domain = 12, Message = "Domain not found: <x>", Level = 2, Str1 = "Domain not found: %s", Str2 = "<x>", Str3 = null, Int1 = -1, Int2 = 5,
        });
        var error = await Assert.ThrowsAsync<LibvirtException>(() => call);
        Assert.Equal((ErrorCode.NotFound, RequestOutcome.Rejected, "42", "Domain not found: <x>"), (error.Code, error.Outcome, error.BackendCode, error.BackendMessage));
        Assert.Equal((VirErrorNumber.ErrNoDomain, (VirErrorDomain)12, VirErrorLevel.Error), (error.Number, error.Domain, error.Level));
        Assert.Equal(("Domain not found: %s", "<x>", (string?)null, -1, 5), (error.Str1, error.Str2, error.Str3, error.Int1, error.Int2));
    }

    [Fact(Timeout = 60_000)]
    public async Task Arguments_that_cannot_be_sent_are_misuse_and_leave_the_connection_alone()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        await Assert.ThrowsAsync<ArgumentException>(async () => await libvirt.DomainLookupByNameAsync("a\0b", Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await libvirt.DomainGetInfoAsync(default, Token));
        var call = libvirt.ConnectGetTypeAsync(Token).AsTask();
        var message = await daemon.ReadAsync();
        Assert.Equal(RemoteProcedures.ConnectGetType.Number, message.Header.Procedure);
        await daemon.ReplyAsync(message, (ref XdrWriter w) => w.Str("TEST"));
        Assert.Equal("TEST", await call);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_long_message_passes_both_ways()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        string xml = new('x', 3_000_000);
        var call = libvirt.DomainDefineXmlAsync(xml, Token).AsTask();
        var message = await daemon.ReadAsync();
        Assert.Equal(4 + xml.Length, message.Payload.Length);
        await daemon.ReplyAsync(message, (ref XdrWriter w) => w.One(new VirDomain { Name = xml, Uuid = s_domain.Uuid, Id = -1 }));
        Assert.Equal(xml, (await call).Name);
    }

    internal static void Info(ref XdrWriter w)
    {
        w.U8(1);
        w.U64(4096);
        w.U64(2048);
        w.U16(2);
        w.U64(99);
    }
}
