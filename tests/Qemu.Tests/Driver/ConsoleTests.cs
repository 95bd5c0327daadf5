using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ConsoleTests(BootedMachine booted) : IClassFixture<BootedMachine>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ISerialConsole Serial => booted.Backend.Get<ISerialConsole>();

    [Fact(Timeout = 120_000)]
    [Feature("CON-16")]
    public async Task What_is_typed_on_the_serial_console_runs_in_the_guest_and_its_answer_comes_back()
    {
        await using var session = await Serial.OpenAsync(booted.Id, null, Token);
        await BootedMachine.TypeAsync(session, "expr 41 + 1 ; echo answer-$((6*7))");
        string seen = await BootedMachine.ReadUntilAsync(session, "answer-42");
        Assert.Contains("42", seen, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_console_that_is_open_is_taken_over_only_by_whoever_asks_for_that()
    {
        await using var first = await Serial.OpenAsync(booted.Id, null, Token);
        var locked = await Assert.ThrowsAsync<HypervisorException>(() => Serial.OpenAsync(booted.Id, null, Token));
        Assert.Equal(ErrorCode.Locked, locked.Code);

        await using var second = await Serial.OpenAsync(booted.Id, new ConsoleOptions { TakeOver = true }, Token);
        var end = await Assert.ThrowsAsync<HypervisorException>(() => first.Completion.WaitAsync(Token));
        Assert.Contains("taken over", end.Message, StringComparison.Ordinal);
        await BootedMachine.TypeAsync(second, "echo second-$((1+1))");
        await BootedMachine.ReadUntilAsync(second, "second-2");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_console_that_another_process_has_open_is_locked()
    {
        await using var other = await booted.Lab.ConnectAsync(options => options.Name = "other");
        await using var first = await other.Get<ISerialConsole>().OpenAsync(booted.Id, null, Token);
        var locked = await Assert.ThrowsAsync<HypervisorException>(() => Serial.OpenAsync(booted.Id, new ConsoleOptions { TakeOver = true }, Token));
        Assert.Equal(ErrorCode.Locked, locked.Code);
    }

    [Fact(Timeout = 120_000)]
    [Feature("CON-02")]
    public async Task The_log_has_what_the_guest_printed_since_it_was_started_and_a_session_can_begin_with_its_end()
    {
        await using (var log = await Serial.OpenLogAsync(booted.Id, null, Token))
        {
            using var reader = new StreamReader(log);
            Assert.Contains(GuestImage.ReadyText, await reader.ReadToEndAsync(Token), StringComparison.Ordinal);
        }

        await using (var tail = await Serial.OpenLogAsync(booted.Id, 10, Token))
        {
            byte[] bytes = new byte[64];
            Assert.Equal(10, await tail.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, Token));
        }

        await using var session = await Serial.OpenAsync(booted.Id, new ConsoleOptions { ReplayTail = ByteSize.FromKiB(64) }, Token);
        await BootedMachine.ReadUntilAsync(session, GuestImage.ReadyText);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_guest_prints_on_when_a_session_is_closed_in_the_middle()
    {
        await using (var session = await Serial.OpenAsync(booted.Id, null, Token))
        {
            await BootedMachine.TypeAsync(session, "for i in $(seq 500); do echo a line that nobody reads $i; done; echo flood-$((2+1))");
            await BootedMachine.ReadUntilAsync(session, "nobody reads 3");
        }

        await using var next = await Serial.OpenAsync(booted.Id, new ConsoleOptions { ReplayTail = ByteSize.FromKiB(4) }, Token);
        await BootedMachine.ReadUntilAsync(next, "flood-3");
    }

    [Fact(Timeout = 120_000)]
    [Feature("CON-07")]
    [Feature("CON-13")]
    public async Task The_screen_answers_with_the_RFB_protocol()
    {
        await using var session = await booted.Backend.Get<IGraphicsConsole>().OpenAsync(booted.Id, Token);
        Assert.Equal("vnc", session.Protocol);
        // RFB 3.8 (RFC 6143, 7.1): both versions, the security types, none, the result, then the size of the screen.
        Assert.Equal("RFB 003.008\n", Encoding.ASCII.GetString(await ReadAsync(session, 12)));
        await session.Output.WriteAsync("RFB 003.008\n"u8.ToArray(), Token);
        byte[] types = await ReadAsync(session, (await ReadAsync(session, 1))[0]);
        Assert.Contains((byte)1, types);
        await session.Output.WriteAsync(new byte[] { 1 }, Token);
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(await ReadAsync(session, 4)));
        await session.Output.WriteAsync(new byte[] { 1 }, Token);
        byte[] size = await ReadAsync(session, 4);
        Assert.InRange(BinaryPrimitives.ReadUInt16BigEndian(size), 320, 4096);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_picture_of_the_screen_is_a_PNG_and_leaves_nothing_behind()
    {
        var picture = await booted.Backend.Get<IGraphicsConsole>().CaptureAsync(booted.Id, Token);
        Assert.Equal("image/png", picture.MediaType);
        Assert.True(picture.Content.Span.StartsWith("\u0089PNG\r\n\u001a\n"u8[1..]) || picture.Content.Span[1..4].SequenceEqual("PNG"u8));
        Assert.Empty(Directory.GetFiles(booted.Lab["run"], "*.png", SearchOption.AllDirectories));
    }

    [Fact(Timeout = 120_000)]
    [Feature("CON-12")]
    public async Task Each_machine_has_consoles_of_its_own()
    {
        var hypervisor = booted.Backend.Get<IHypervisor>();
        var other = await hypervisor.CreateAsync(booted.Lab.Spec("second"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(other.Id, null, Token).WaitForCompletionAsync(Token);
        await using var here = await Serial.OpenAsync(booted.Id, null, Token);
        await using var there = await Serial.OpenAsync(other.Id, new ConsoleOptions { ReplayTail = ByteSize.FromKiB(64) }, Token);
        await BootedMachine.ReadUntilAsync(there, GuestImage.Prompt);
        await BootedMachine.TypeAsync(here, "echo i-am-$(hostname)");
        await BootedMachine.TypeAsync(there, "echo i-am-$(hostname)");
        Assert.Contains("i-am-booted", await BootedMachine.ReadUntilAsync(here, "i-am-booted"), StringComparison.Ordinal);
        Assert.Contains("i-am-second", await BootedMachine.ReadUntilAsync(there, "i-am-second"), StringComparison.Ordinal);

        await hypervisor.StopAsync(other.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var ended = await Assert.ThrowsAsync<HypervisorException>(() => there.Completion.WaitAsync(Token));
        Assert.Equal(ErrorCode.InvalidState, ended.Code);
        var closed = await Assert.ThrowsAsync<HypervisorException>(() => Serial.OpenAsync(other.Id, null, Token));
        Assert.Equal(ErrorCode.InvalidState, closed.Code);
        await hypervisor.DeleteAsync(other.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(booted.Lab.StateDirectory, "locks")), file => file.Contains(other.Id.ToString(), StringComparison.Ordinal));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_serial_line_says_that_it_has_no_size()
    {
        await using var session = await Serial.OpenAsync(booted.Id, null, Token);
        Assert.False(session.CanResize);
        var refused = await Assert.ThrowsAsync<HypervisorException>(async () => await session.ResizeAsync(80, 24, Token));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_second_serial_port_is_a_line_of_its_own_and_a_third_is_refused()
    {
        await using var first = await Serial.OpenAsync(booted.Id, null, Token);
        await using var second = await Serial.OpenAsync(booted.Id, new ConsoleOptions { Port = 1 }, Token);
        var locked = await Assert.ThrowsAsync<HypervisorException>(() => Serial.OpenAsync(booted.Id, new ConsoleOptions { Port = 1 }, Token));
        Assert.Equal(ErrorCode.Locked, locked.Code);
        // Held open: what comes to a port that nobody in the guest has open is lost.
        await BootedMachine.TypeAsync(first, "exec 3<>/dev/ttyS1; echo port-$((1+1)) >&3; read heard <&3; exec 3>&-; echo it-said-$heard");
        await BootedMachine.ReadUntilAsync(second, "port-2");
        await BootedMachine.TypeAsync(second, "hello");
        await BootedMachine.ReadUntilAsync(first, "it-said-hello");

        var missing = await Assert.ThrowsAsync<HypervisorException>(() => Serial.OpenAsync(booted.Id, new ConsoleOptions { Port = 2 }, Token));
        Assert.Equal(ErrorCode.NotFound, missing.Code);
    }

    private static async Task<byte[]> ReadAsync(GraphicsSession session, int bytes)
    {
        var read = await session.Input.ReadAtLeastAsync(bytes, Token);
        Assert.True(read.Buffer.Length >= bytes, "The server closed the connection.");
        byte[] taken = read.Buffer.Slice(0, bytes).ToArray();
        session.Input.AdvanceTo(read.Buffer.GetPosition(bytes));
        return taken;
    }
}
