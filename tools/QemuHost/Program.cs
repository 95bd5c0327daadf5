// Serves a QEMU backend over the standard input and output, until the input ends. Everything that it is to know comes that way; arguments carry nothing.
using System.Reflection;
using Hypervisor.Sdk.Qemu;
using Hypervisor.Sdk.Transport;

if (args is ["--version"])
{
    Console.WriteLine($"hvsdk-qemu-host {typeof(QemuHostServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}");
    return 0;
}

if (args.Length > 0)
{
    await Console.Error.WriteLineAsync("hvsdk-qemu-host takes no arguments but --version: QemuOptions.Host starts it and speaks to it over its standard input and output.");
    return 2;
}

await QemuHostServer.ServeAsync(Connection.FromStreams(Console.OpenStandardInput(), Console.OpenStandardOutput(), "the controller"));
return 0;
