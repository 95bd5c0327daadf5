using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ConsoleLogTests
{
    private const int LimitBytes = 64 << 10;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task The_log_of_a_guest_that_floods_its_console_stays_small_and_its_end_is_all_there()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync(options => options.ConsoleLogLimit = ByteSize.FromKiB(64));
        var hypervisor = backend.Get<IHypervisor>();
        var vm = await hypervisor.CreateAsync(lab.Spec("flood"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        // The guest waits a little, that the echo of the line is seen before the flood cuts it off the log.
        await lab.TypeAsync(backend, vm.Id, "sleep 5; seq 100000 199999; echo flood-$((40+2))");
        await lab.WaitForConsoleAsync(vm.Id, "flood-42");

        // 700,000 bytes and the line ends have come through; what is kept is the limit, a quarter, and the page that is being written.
        string path = StateDirectory.ConsoleLog(vm.Id.ToString());
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (backend.Services.State.Root.Find(path)!.AllocatedBytes > (LimitBytes * 5 / 4) + 8192)
            Assert.True(await timer.WaitForNextTickAsync(Token));
        Assert.True(backend.Services.State.Root.Find(path)!.Length > 700_000);
        await using var log = await backend.Get<ISerialConsole>().OpenLogAsync(vm.Id, null, Token);
        using var reader = new StreamReader(log);
        string text = await reader.ReadToEndAsync(Token);
        Assert.DoesNotContain('\0', text);
        Assert.InRange(text.Length, LimitBytes, LimitBytes * 3);
        Assert.EndsWith("199998\r\n199999\r\nflood-42\r\n", text[..(text.IndexOf("flood-42\r\n", StringComparison.Ordinal) + 10)], StringComparison.Ordinal);
    }
}
