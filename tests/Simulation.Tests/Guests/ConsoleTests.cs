using System.Text;

namespace Hypervisor.Sdk.Simulation.Tests.Guests;

/// <summary>Consoles, commands, conversations and files of simulated guests, as an application uses them.</summary>
public sealed class ConsoleTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_console_shows_the_boot_and_answers_what_is_typed(bool isWithin)
    {
        await using var dc = new SimulatedDatacenter();
        async Task Run()
        {
            var vm = await dc.MakeRunningAsync("web1");
            await using var console = await dc.Backend.Get<ISerialConsole>().OpenAsync(vm.Id, new ConsoleOptions { ReplayTail = ByteSize.FromKiB(64) }, Token);
            string seen = await ReadUntilAsync(console, "root@web1:~# ");
            Assert.Contains("Linux version", seen, StringComparison.Ordinal);
            await console.Output.WriteAsync("echo $((6*7)) > /srv/answer; cat /srv/answer\r"u8.ToArray(), Token);
            Assert.Contains("\r\n42\r\n", await ReadUntilAsync(console, "42\r\nroot@web1:~# "), StringComparison.Ordinal);
            using var log = new StreamReader(await dc.Backend.Get<ISerialConsole>().OpenLogAsync(vm.Id, cancellationToken: Token));
            Assert.Contains("\r\n42\r\n", await log.ReadToEndAsync(Token), StringComparison.Ordinal);
        }

        if (isWithin)
            await dc.RunAsync(Run);
        else
            await Run();
    }

    [Fact(Timeout = 60_000)]
    public async Task One_session_has_the_console_until_another_takes_it_over_or_the_machine_stops()
    {
        await using var dc = new SimulatedDatacenter();
        var consoles = dc.Backend.Get<ISerialConsole>();
        var vm = await dc.MakeRunningAsync("web1");
        await using var first = await consoles.OpenAsync(vm.Id, null, Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => consoles.OpenAsync(vm.Id, null, Token))).Code);
        await using var second = await consoles.OpenAsync(vm.Id, new ConsoleOptions { TakeOver = true }, Token);
        Assert.Contains("taken over", (await Assert.ThrowsAsync<HypervisorException>(() => first.Completion)).Message, StringComparison.Ordinal);
        await dc.Hypervisor().StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => second.Completion)).Code);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => consoles.OpenAsync(vm.Id, null, Token))).Code);
    }

    private static async Task<string> ReadUntilAsync(ConsoleSession console, string text)
    {
        var seen = new StringBuilder();
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            var read = await console.Input.ReadAsync(Token);
            seen.Append(Encoding.UTF8.GetString(read.Buffer));
            Assert.False(read.IsCompleted && read.Buffer.IsEmpty, $"The console ended with: {seen}");
            console.Input.AdvanceTo(read.Buffer.End);
        }

        return seen.ToString();
    }
}
