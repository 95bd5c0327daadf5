using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>One page of instances over all backends.</summary>
internal sealed record InstancePage(IReadOnlyList<Located<Instance>> Items, string? Continuation, IReadOnlyList<HypervisorException> Unreachable)
{
    public void Write(ApiJson json, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        Located.WriteArray(json, writer, "items", Items);
        if (Continuation is not null)
            writer.WriteString("continuation", Continuation);
        AspNetCore.Unreachable.Write(writer, Unreachable);
        writer.WriteEndObject();
    }
}
