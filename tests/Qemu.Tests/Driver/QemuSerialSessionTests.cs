using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Qemu.Consoles;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>The session over a socket that the test itself is the other end of.</summary>
[SupportedOSPlatform("linux")]
public sealed class QemuSerialSessionTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_session_that_is_not_read_ends_so_that_the_guest_is_not_held_up()
    {
        using var state = StateDirectory.Open(_directory["state"], null);
        var clock = new ManualTimeProvider();
        var (connection, guest) = await ConnectAsync();
        using (guest)
        await using (var session = new QemuSerialSession(connection, state.TryLock("x")!, default, clock))
        {
            var printing = PrintAsync(guest);
            while (clock.ActiveTimers == 0)
                await Task.Yield();
            clock.Advance(TimeSpan.FromSeconds(11));
            await Assert.ThrowsAnyAsync<SocketException>(() => printing.WaitAsync(Token));
            var reason = await Assert.ThrowsAsync<HypervisorException>(() => session.Completion.WaitAsync(Token));
            Assert.Equal(ErrorCode.Exhausted, reason.Code);
            using var free = state.TryLock("x");
            Assert.NotNull(free);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Disposing_a_session_that_waits_for_its_reader_does_not_hang()
    {
        using var state = StateDirectory.Open(_directory["state"], null);
        var clock = new ManualTimeProvider();
        var (connection, guest) = await ConnectAsync();
        using (guest)
        {
            var session = new QemuSerialSession(connection, state.TryLock("x")!, "before"u8.ToArray(), clock);
            var printing = PrintAsync(guest);
            while (clock.ActiveTimers == 0)
                await Task.Yield();
            await session.DisposeAsync();
            await session.DisposeAsync();
            await session.Completion.WaitAsync(Token);
            await Assert.ThrowsAnyAsync<SocketException>(() => printing.WaitAsync(Token));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_session_that_is_not_read_is_taken_over_at_once()
    {
        using var state = StateDirectory.Open(_directory["state"], null);
        var clock = new ManualTimeProvider();
        var (connection, guest) = await ConnectAsync();
        using (guest)
        await using (var session = new QemuSerialSession(connection, state.TryLock("x")!, default, clock))
        {
            var printing = PrintAsync(guest);
            while (clock.ActiveTimers == 0)
                await Task.Yield();
            // No time passes by this clock.
            await session.EndAsync(new HypervisorException("Taken over.", ErrorCode.Locked, RequestOutcome.Rejected)).WaitAsync(Token);
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => session.Completion.WaitAsync(Token))).Code);
            await Assert.ThrowsAnyAsync<SocketException>(() => printing.WaitAsync(Token));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task What_was_before_comes_first_and_the_end_of_the_machine_is_the_end()
    {
        using var state = StateDirectory.Open(_directory["state"], null);
        var (connection, guest) = await ConnectAsync();
        await using var session = new QemuSerialSession(connection, state.TryLock("x")!, "before "u8.ToArray(), TimeProvider.System);
        await guest.SendAsync("after"u8.ToArray(), Token);
        guest.Dispose();
        var read = await session.Input.ReadAtLeastAsync("before after".Length, Token);
        Assert.Equal("before after", Encoding.ASCII.GetString(read.Buffer));
        session.Input.AdvanceTo(read.Buffer.End);
        var reason = await Assert.ThrowsAsync<HypervisorException>(() => session.Completion.WaitAsync(Token));
        Assert.Equal(ErrorCode.InvalidState, reason.Code);
    }

    public void Dispose() => _directory.Dispose();

    private static async Task PrintAsync(Socket guest)
    {
        byte[] line = new byte[16 << 10];
        while (true)
            await guest.SendAsync(line, Token);
    }

    private async Task<(Connection Connection, Socket Guest)> ConnectAsync()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_directory["serial"]));
        listener.Listen(1);
        var connection = await Connection.ConnectUnixAsync(_directory["serial"], cancellationToken: Token);
        return (connection, await listener.AcceptAsync(Token));
    }
}
