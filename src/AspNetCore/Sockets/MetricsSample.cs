using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>What all backends measured at one time.</summary>
internal sealed class MetricsSample
{
    public IReadOnlyList<Located<NodeMetrics>> Nodes { get; init; } = [];

    public IReadOnlyList<Located<InstanceMetrics>> Instances { get; init; } = [];

    public IReadOnlyList<HypervisorException> Unreachable { get; init; } = [];

    public void WriteMembers(ApiJson json, Utf8JsonWriter writer)
    {
        Located.WriteArray(json, writer, "nodes", Nodes);
        Located.WriteArray(json, writer, "instances", Instances);
        AspNetCore.Unreachable.Write(writer, Unreachable);
    }
}
