using System.Buffers;
using System.Text.Json;
using Hypervisor.Sdk.Simulation.Calls;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>What a simulation has written down of an instance, as JSON.</summary>
internal sealed class DocumentService(SimulationClient client) : INativeDocuments
{
    public Task<NativeDocument> GetAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return client.World.Calls.EnterAsync(client, "document", id.ToString(), null, () =>
        {
            var instance = client.World.Require(id);
            var config = instance.Config;
            var content = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(content, new JsonWriterOptions { Indented = true }))
            {
                json.WriteStartObject();
                json.WriteString("personality", client.World.Personality.Name);
                json.WriteNumber("number", instance.Number);
                json.WriteString("name", config.Name);
                json.WriteString("kind", config.Kind.ToString());
                json.WriteString("node", instance.Node.Text);
                json.WriteString("state", instance.State.ToString());
                json.WriteNumber("revision", instance.Revision);
                json.WriteNumber("cpus", config.Cpus);
                json.WriteNumber("memoryBytes", config.MemoryBytes);
                json.WriteStartArray("disks");
                foreach (var disk in config.Disks)
                {
                    json.WriteStartObject();
                    json.WriteString("id", disk.Id.ToString());
                    json.WriteString("bus", disk.Bus);
                    json.WriteString("volume", disk.Volume?.Id.ToString() ?? disk.External);
                    json.WriteNumber("sizeBytes", disk.GuestBytes);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteStartArray("networks");
                foreach (var network in config.Networks)
                {
                    json.WriteStartObject();
                    json.WriteString("id", network.Id.ToString());
                    json.WriteString("network", network.Network);
                    json.WriteString("mac", network.Mac.ToString());
                    json.WriteString("address", network.Address?.ToString());
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            return Task.FromResult(new NativeDocument("application/json", content.WrittenMemory.ToArray()));
        });
    }
}
