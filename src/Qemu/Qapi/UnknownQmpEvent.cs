using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>An event that neither version of the schema names: of a newer QEMU, for example.</summary>
public sealed class UnknownQmpEvent : QmpEvent
{
    private readonly QmpEventName _name;

    /// <summary>Makes one with its name.</summary>
    public UnknownQmpEvent(QmpEventName name) => _name = name;

    /// <inheritdoc />
    public override QmpEventName EventName => _name;

    /// <summary>The event's data as it came, or null when it has none.</summary>
    public QapiAny? Content { get; init; }

    internal override void WriteMembers(Utf8JsonWriter w)
    {
        if (Content is { Json.ValueKind: JsonValueKind.Object } content)
        {
            foreach (var member in content.Json.EnumerateObject())
                member.WriteTo(w);
        }
    }
}
