using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Qapi;

/// <summary>How to make a random instance of one generated type, and how to read one.</summary>
internal sealed record Shape(string Name, Func<Randoms, QapiValue> Make, QapiRead<QapiValue> Read)
{
    public static IEnumerable<string> Words<T>()
        where T : struct, IQapiWord<T>
    {
        foreach (string word in T.Known.Words)
        {
            var r = new Utf8JsonReader(JsonSerializer.SerializeToUtf8Bytes(word));
            r.Read();
            string read = T.Known.Read(ref r);
            // The very string of the table: reading a known word allocates nothing.
            yield return ReferenceEquals(read, word) && T.Of(read).ToString() == word ? $"{typeof(T).Name}.{word}" : throw new InvalidOperationException($"{typeof(T).Name}.{word} was read as {read}.");
        }
    }
}
