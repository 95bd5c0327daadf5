// A container of the LXD or Incus server of this machine, in ten lines: LxdQuickStart IMAGE [SOCKET], where the image is an alias or a fingerprint that the server has (lxc image list, incus image list).
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
await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
