// Creates a small Linux machine, starts it and prints its console until it is up: QuickStart GUEST, where GUEST is the directory that eng/guest-image prints.
using Hypervisor.Sdk;
using Hypervisor.Sdk.Qemu;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

string guest = args is [var directory] ? Path.GetFullPath(directory) : throw new ArgumentException("usage: QuickStart GUEST");

await using var backend = await QemuBackend.ConnectAsync(new QemuOptions { StateDirectory = Path.GetFullPath("machines"), ImageDirectories = { guest } });
var qemu = backend.Get<IHypervisor>();

var machine = await qemu.CreateAsync(new VirtualMachineSpec
{
    Name = InstanceName.Parse("first"),
    Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256)),
    Boot = new BootSource.Kernel($"{guest}/vmlinuz", $"{guest}/initrd", "console=ttyS0 quiet"),
}).WaitForCompletionAsync();
await qemu.StartAsync(machine.Id).WaitForCompletionAsync();

await using var console = await backend.Get<ISerialConsole>().OpenAsync(machine.Id, new ConsoleOptions { ReplayTail = ByteSize.FromMiB(1) });
using var lines = new StreamReader(console.Input.AsStream());
while (await lines.ReadLineAsync() is { } line)
{
    Console.WriteLine(line);
    if (line.Contains("guest is ready", StringComparison.Ordinal))
        break;
}

await qemu.DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
