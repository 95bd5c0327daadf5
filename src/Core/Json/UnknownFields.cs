using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Hypervisor.Sdk;

/// <summary>The fields that were read with an object and that this version of the model does not know. They live as long as the object does, beside it, so that the model stays clean of them.</summary>
internal static class UnknownFields
{
    private static readonly ConditionalWeakTable<object, Dictionary<string, JsonElement>> s_fields = [];

    public static Dictionary<string, JsonElement>? Of(object owner) => s_fields.TryGetValue(owner, out var fields) ? fields : null;

    public static void Set(object owner, Dictionary<string, JsonElement>? fields)
    {
        if (fields is null)
            s_fields.Remove(owner);
        else
            s_fields.AddOrUpdate(owner, fields);
    }

    public static void Copy(object from, object to)
    {
        if (Of(from) is { } fields)
            Set(to, fields);
    }
}
