using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>The program and the arguments that a machine is started with, as a JSON array. Holds no secret: none is ever an argument.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuNativeDocuments(QemuServices services, MachineTable machines) : INativeDocuments
{
    public Task<NativeDocument> GetAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        var (_, config) = machines.Require(id);
        var (arguments, _, _) = MachineArguments.Build(config, services.Host);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            json.WriteStringValue(services.Host.ProgramOf(config));
            foreach (string argument in arguments)
                json.WriteStringValue(argument);
            json.WriteEndArray();
        }

        return Task.FromResult(new NativeDocument("application/json", buffer.ToArray()));
    }
}
