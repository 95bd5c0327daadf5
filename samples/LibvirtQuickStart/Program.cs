// Lists the machines of a libvirt daemon, then makes one, starts it, and removes it: LibvirtQuickStart [URI]. Another libvirt daemon is another address (qemu+ssh://user@host/system); test:///default is libvirt's own world to try
// things out in, which runs nothing.
using Hypervisor.Sdk;
using Hypervisor.Sdk.Libvirt;

await using var libvirt = await LibvirtBackend.ConnectAsync(args is [var uri, ..] ? uri : "qemu:///system");
Console.WriteLine($"{libvirt.Info.Endpoint}: libvirt {libvirt.Info.ServerVersion}");

var hypervisor = libvirt.Get<IHypervisor>();
await foreach (var there in hypervisor.List())
    Console.WriteLine($"  {there.Name}: {there.State}, {there.Cpus} CPUs, {there.Memory}");

// Whatever happens from here on is told, also what virsh does.
await using var events = await hypervisor.WatchAsync();
var spec = new VirtualMachineSpec
{
    Name = InstanceName.Parse($"quickstart-{Environment.ProcessId}"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)), Description = "Made by LibvirtQuickStart.", Labels = { ["purpose"] = "a first look" },
};
var vm = await hypervisor.CreateAsync(spec).WaitForCompletionAsync();
await hypervisor.StartAsync(vm.Id).WaitForCompletionAsync();
await hypervisor.DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();

await foreach (var next in events)
{
    switch (next)
    {
        case InstanceCreated created when created.Id == vm.Id:
            Console.WriteLine($"{vm.Name} was made");
            break;
        case InstanceStateChanged changed when changed.Id == vm.Id:
            Console.WriteLine($"{vm.Name} is {changed.To}");
            break;
        case InstanceDeleted deleted when deleted.Id == vm.Id:
            Console.WriteLine($"{vm.Name} is gone");
            return;
    }
}
