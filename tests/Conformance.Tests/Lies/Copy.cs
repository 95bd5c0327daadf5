using System.Reflection;

namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>Copies of what a driver says, with something else in it.</summary>
internal static class Copy
{
    private static readonly MethodInfo s_clone = typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!;

    public static T With<T>(T source, params (string Property, object? Value)[] changes)
        where T : class
    {
        var copy = (T)s_clone.Invoke(source, null)!;
        foreach (var (name, value) in changes)
        {
            var property = copy.GetType().GetProperty(name)!;
            if (property.SetMethod is not null)
                property.SetValue(copy, value);
            else
                copy.GetType().GetField($"<{name}>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(copy, value);
        }

        return copy;
    }
}
