using System.Collections;
using System.Reflection;

namespace Hypervisor.Sdk.Tests.Json;

/// <summary>Compares two values of the model, property by property.</summary>
internal static class Structure
{
    public static void AssertSame(object? expected, object? actual, string path = "$")
    {
        if (expected is null || actual is null)
        {
            Assert.True(expected is null && actual is null, $"{path}: {expected ?? "null"} became {actual ?? "null"}.");
            return;
        }

        Assert.True(expected.GetType() == actual.GetType() || expected is IEnumerable, $"{path}: {expected.GetType()} became {actual.GetType()}.");
        switch (expected)
        {
            case string or Uri or Version or ValueType and not ReadOnlyMemory<byte> and not NativeDocument:
                Assert.True(IsSameValue(expected, actual, path), $"{path}: {expected} became {actual}.");
                break;
            case ReadOnlyMemory<byte> bytes:
                Assert.True(bytes.Span.SequenceEqual(((ReadOnlyMemory<byte>)actual).Span), $"{path}: other bytes.");
                break;
            case System.Net.IPAddress or System.Net.EndPoint:
                Assert.Equal(expected, actual);
                break;
            case IDictionary dictionary:
                var other = (IDictionary)actual;
                Assert.True(dictionary.Count == other.Count, $"{path}: {dictionary.Count} entries became {other.Count}.");
                foreach (DictionaryEntry entry in dictionary)
                    AssertSame(entry.Value, other[entry.Key], $"{path}[{entry.Key}]");
                break;
            case IEnumerable items:
                object?[] left = [.. items.Cast<object?>()];
                object?[] right = [.. ((IEnumerable)actual).Cast<object?>()];
                Assert.True(left.Length == right.Length, $"{path}: {left.Length} items became {right.Length}.");
                for (int i = 0; i < left.Length; i++)
                    AssertSame(left[i], right[i], $"{path}[{i}]");
                break;
            default:
                foreach (var property in expected.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.DeclaringType != typeof(Exception) && property.GetIndexParameters().Length == 0))
                    AssertSame(property.GetValue(expected), property.GetValue(actual), $"{path}.{property.Name}");
                break;
        }
    }

    // A change holds a value of the model, which compares by reference.
    private static bool IsSameValue(object expected, object actual, string path)
    {
        var type = expected.GetType();
        if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(Change<>))
            return expected.Equals(actual);
        bool isSet = (bool)type.GetProperty("IsSet")!.GetValue(expected)!;
        if (isSet != (bool)type.GetProperty("IsSet")!.GetValue(actual)!)
            return false;
        if (isSet)
            AssertSame(type.GetProperty("Value")!.GetValue(expected), type.GetProperty("Value")!.GetValue(actual), path);
        return true;
    }
}
