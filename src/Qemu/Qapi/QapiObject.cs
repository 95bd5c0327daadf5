using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>A QAPI struct, union, argument list or event: on the wire a JSON object.</summary>
public abstract class QapiObject : QapiValue
{
    private protected QapiObject()
    {
    }

    /// <inheritdoc />
    public sealed override void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        WriteMembers(writer);
        writer.WriteEndObject();
    }

    /// <summary>Writes the members without the braces: the members of a union's branch stand among those of the union.</summary>
    internal abstract void WriteMembers(Utf8JsonWriter w);
}
