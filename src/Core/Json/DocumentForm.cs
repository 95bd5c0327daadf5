using System.Text.Json;

namespace Hypervisor.Sdk;

/// <summary>How a stored value is wrapped.</summary>
internal sealed class DocumentForm
{
    public required int Hvsdk { get; set; }

    public required string Kind { get; set; }

    public required JsonElement Body { get; set; }
}
