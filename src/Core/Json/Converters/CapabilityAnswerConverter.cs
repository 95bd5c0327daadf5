using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk;

/// <summary>An answer as <c>{"support":"no","reason":"..."}</c>.</summary>
internal sealed class CapabilityAnswerConverter : JsonConverter<CapabilityAnswer>
{
    private static readonly WordConverter<CapabilitySupport> s_support = new();

    public override CapabilityAnswer Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            JsonRefusal.Throw(ref reader, "a capability's answer");
        CapabilitySupport? support = null;
        string? reason = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = JsonRefusal.ReadText(ref reader);
            reader.Read();
            if (name == "support")
                support = s_support.Read(ref reader, typeof(CapabilitySupport), options);
            else if (name == "reason" && reader.TokenType == JsonTokenType.String)
                reason = JsonRefusal.ReadText(ref reader);
            else if (options.UnmappedMemberHandling == JsonUnmappedMemberHandling.Disallow)
                throw new JsonException($"There is no field {JsonRefusal.Echo(name)} here.");
            else
                reader.Skip();
        }

        return support switch
        {
            CapabilitySupport.Yes => CapabilityAnswer.Yes,
            CapabilitySupport.No => string.IsNullOrEmpty(reason) ? default : CapabilityAnswer.No(reason),
            CapabilitySupport.Conditional when !string.IsNullOrEmpty(reason) => CapabilityAnswer.Conditional(reason),
            _ => throw new JsonException("A capability's answer has a 'support', and a 'reason' where that is conditional."),
        };
    }

    public override void Write(Utf8JsonWriter writer, CapabilityAnswer value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("support");
        s_support.Write(writer, value.Support, options);
        if (value.Reason is { } reason)
            writer.WriteString("reason", reason);
        writer.WriteEndObject();
    }
}
