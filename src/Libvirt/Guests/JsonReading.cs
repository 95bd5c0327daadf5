using System.Text.Json;

namespace Hypervisor.Sdk.Libvirt.Guests;

/// <summary>Members of what a guest says: one that is missing, or of another kind, is null.</summary>
internal static class JsonReading
{
    public static string? Text(this JsonElement element, string name) => element.Member(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static long? Number(this JsonElement element, string name) => element.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long number) ? number : null;

    public static bool Flag(this JsonElement element, string name) => element.Member(name) is { ValueKind: JsonValueKind.True };

    public static IEnumerable<JsonElement> Items(this JsonElement element) => element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : [];

    public static JsonElement? Member(this JsonElement element, string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    /// <summary>Bytes in Base64.</summary>
    /// <exception cref="HypervisorException">It is something else.</exception>
    public static byte[] Bytes(this JsonElement element, string name)
    {
        try
        {
            return Convert.FromBase64String(element.Text(name) ?? "");
        }
        catch (FormatException error)
        {
            throw new BackendProtocolException($"The guest agent's '{name}' is not Base64: {error.Message}", ErrorCode.Protocol, RequestOutcome.FailedMidway, error);
        }
    }
}
