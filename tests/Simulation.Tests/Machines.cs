namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>What most tests begin with.</summary>
internal static class Machines
{
    public static VirtualMachineSpec Spec(string name, int memoryMiB = 512, int diskGiB = 10)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(memoryMiB)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(diskGiB)) });
        spec.Networks.Add(new NetworkSpec { Network = "lan" });
        return spec;
    }

    public static IHypervisor Hypervisor(this SimulatedDatacenter datacenter) => datacenter.Backend.Get<IHypervisor>();

    public static Task<Instance> MakeAsync(this SimulatedDatacenter datacenter, string name) => datacenter.Hypervisor().CreateAsync(Spec(name)).WaitForCompletionAsync(TestContext.Current.CancellationToken);

    public static async Task<Instance> MakeRunningAsync(this SimulatedDatacenter datacenter, string name)
    {
        var made = await datacenter.MakeAsync(name);
        return await datacenter.Hypervisor().StartAsync(made.Id).WaitForCompletionAsync(TestContext.Current.CancellationToken);
    }
}
