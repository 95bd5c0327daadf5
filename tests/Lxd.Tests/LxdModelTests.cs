using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Every model, with every field and one that is not known: what is read is written again.</summary>
public sealed class LxdModelTests
{
    private const int MaxDepth = 4;

    public static TheoryData<string> Models => [.. typeof(LxdClient).Assembly.GetExportedTypes().Where(type => type.Name.StartsWith("Lxd", StringComparison.Ordinal) && type.GetProperty("Others") is not null).Select(type => type.FullName!)];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_is_written_as_it_was_read(string name)
    {
        var type = LxdJson.Default.GetTypeInfo(typeof(LxdClient).Assembly.GetType(name)!)!;
        var json = Sample(type, 0)!;
        object value = JsonSerializer.Deserialize(json.ToJsonString(), type)!;
        var again = JsonNode.Parse(JsonSerializer.Serialize(value, type));
        Assert.True(JsonNode.DeepEquals(json, again), $"{json}\nbecame\n{again}");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_of_which_the_server_says_nothing_is_empty(string name)
    {
        var type = LxdJson.Default.GetTypeInfo(typeof(LxdClient).Assembly.GetType(name)!)!;
        string nulls = new JsonObject(type.Properties.Where(property => !property.IsExtensionData).Select(property => KeyValuePair.Create(property.Name, (JsonNode?)null))).ToJsonString();
        Assert.Equal("{}", JsonSerializer.Serialize(JsonSerializer.Deserialize(nulls, type), type));
    }

    [Fact]
    public void All_operations_of_both_definitions_are_calls()
    {
        Assert.Equal(266, LxdApi.All.Count);
        Assert.Equal(220, LxdApi.All.Count(operation => !operation.IsIncusOnly));
        var methods = typeof(LxdClient).GetMethods().Select(method => method.Name).ToHashSet();
        Assert.All(LxdApi.All, operation => Assert.Contains(operation.Name + "Async", methods));
    }

    private static JsonNode? Sample(JsonTypeInfo type, int depth)
    {
        var known = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (known == typeof(string))
            return "a word";
        if (known == typeof(bool))
            return true;
        if (known == typeof(DateTimeOffset))
            return "2026-01-02T03:04:05+00:00";
        if (known == typeof(double))
            return 1.5;
        if (known == typeof(JsonElement))
            return new JsonObject { ["a"] = 1 };
        if (known.IsPrimitive)
            return 7;
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Enumerable:
                return depth > MaxDepth ? new JsonArray() : new JsonArray(Sample(LxdJson.Default.GetTypeInfo(type.ElementType!)!, depth + 1));
            case JsonTypeInfoKind.Dictionary:
                return depth > MaxDepth ? new JsonObject() : new JsonObject { ["key"] = Sample(LxdJson.Default.GetTypeInfo(type.ElementType!)!, depth + 1) };
        }

        var result = new JsonObject();
        foreach (var property in type.Properties.Where(property => !property.IsExtensionData))
            result[property.Name] = Sample(LxdJson.Default.GetTypeInfo(property.PropertyType)!, depth + 1);
        result["a_field_of_tomorrow"] = new JsonArray(1, 2);
        return result;
    }
}
