using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Conformance.Tests;

[Peer("qemu")]
public sealed class QemuConformanceTests
{
    [Fact(Timeout = 300_000)]
    public async Task The_QEMU_driver_keeps_the_contract_on_real_machines()
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var target = await QemuTarget.CreateAsync(() => Options(directory), cancellationToken: TestContext.Current.CancellationToken);
        await ConformanceRun.PassesAsync(target);
    }

    private static QemuOptions Options(TempDirectory directory) => new() { StateDirectory = directory["state"], RuntimeDirectory = directory["run"], Accelerator = QemuAccelerator.Tcg };
}
