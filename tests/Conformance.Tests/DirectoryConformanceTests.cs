using Hypervisor.Sdk.Conformance.Tool.Targets;

namespace Hypervisor.Sdk.Conformance.Tests;

[Peer("qemu-img")]
public sealed class DirectoryConformanceTests
{
    [Feature("QA-08")]
    [Fact(Timeout = 180_000)]
    public async Task Directory_storage_keeps_the_contract()
    {
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var target = new DirectoryTarget(Directory.CreateDirectory(directory["pool"]).FullName, Directory.CreateDirectory(directory["pools"]).FullName);
        await ConformanceRun.PassesAsync(target, column: "2-directory");
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task Directory_storage_keeps_the_contract_at_length()
    {
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var target = new DirectoryTarget(Directory.CreateDirectory(directory["pool"]).FullName, Directory.CreateDirectory(directory["pools"]).FullName);
        await ConformanceRun.PassesAsync(target, new ConformanceOptions { IncludeLong = true });
    }
}
