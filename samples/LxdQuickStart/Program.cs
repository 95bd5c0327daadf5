// A container of the LXD or Incus server of this machine, in ten lines, with a command, a file and a port: LxdQuickStart IMAGE [SOCKET], where the image is an alias or a fingerprint that the server has
// (lxc image list, incus image list).
using System.Text;
using Hypervisor.Sdk;
using Hypervisor.Sdk.Lxd;

await using var server = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = args.ElementAtOrDefault(1) } });
var containers = server.Get<IContainerRuntime>();
var spec = new ContainerSpec { Name = InstanceName.Parse($"quickstart-{Environment.ProcessId}"), Image = args[0], MemoryLimit = ByteSize.FromMiB(64), Labels = { ["purpose"] = "a first look" } };
var made = await containers.CreateAsync(spec).WaitForCompletionAsync();
await containers.StartAsync(made.Id).WaitForCompletionAsync();
await containers.ChangeAsync(made.Id, new InstanceChange { MemoryLimit = ByteSize.FromMiB(128) }).WaitForCompletionAsync();
await foreach (var there in containers.List())
    Console.WriteLine($"{server.Info.Kind} {server.Info.ServerVersion}: {there.Name} is {there.State}, {there.Memory}");

// A file is put into it, a command reads it, and a port of this machine leads to one in it.
using (var note = new MemoryStream("written from outside"u8.ToArray()))
    await server.Get<IGuestFiles>().WriteAsync(made.Id, "/tmp/note", note);
var said = await server.Get<ICommands>().RunAsync(made.Id, new CommandSpec { Command = ["cat", "/tmp/note"] });
Console.WriteLine($"cat ended with {said.ExitCode} and said: {Encoding.UTF8.GetString(said.Output.Span)}");
var port = await server.Get<IPortForwards>().AddAsync(made.Id, new PortSpec { Guest = 80 });
Console.WriteLine($"{port.Host} leads to its port {port.GuestPort}");

await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
