using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>Arguments that the schema lists only in part: <c>device_add</c> takes whatever properties the device has.</summary>
public abstract class QapiOpenObject : QapiObject
{
    private protected QapiOpenObject()
    {
    }

    /// <summary>The members beyond the listed ones, by their names: for <c>device_add</c> the properties of the device, as <c>device-list-properties</c> names them.</summary>
    public Dictionary<string, QapiAny> Properties { get; init; } = [];

    internal override void WriteMembers(Utf8JsonWriter w)
    {
        foreach (var (name, value) in Properties)
        {
            w.WritePropertyName(name);
            value.WriteTo(w);
        }
    }
}
