using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Arguments and results as the JSON that is stored, bounded.</summary>
internal static class Payload
{
    public static string Write<T>(T value, JsonTypeInfo<T> type, int maxBytes)
    {
        string json = JsonSerializer.Serialize(value, type);
        int bytes = Encoding.UTF8.GetByteCount(json);
        return bytes <= maxBytes ? json : throw new ArgumentException($"A {typeof(T).Name} of {bytes} bytes as JSON is longer than the {maxBytes} that a job may hold. Store it elsewhere and hand over where.");
    }
}
