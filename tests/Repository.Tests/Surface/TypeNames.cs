using System.Globalization;
using System.Reflection;

namespace Hypervisor.Sdk.Repository.Tests.Surface;

/// <summary>Types and values as C# spells them, with the nullability that the compiler wrote down.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(char)] = "char",
        [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int",
        [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(decimal)] = "decimal", [typeof(nint)] = "nint", [typeof(nuint)] = "nuint",
    };

    /// <summary>The name of a type, with its arguments and, where <paramref name="nullability"/> is given, its question marks.</summary>
    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef)
            return Of(type.GetElementType()!, nullability);
        if (type.IsPointer)
            return Of(type.GetElementType()!) + "*";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Of(underlying, nullability?.GenericTypeArguments is [var only] ? only : null) + "?";

        string name = type.IsArray
            ? $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]"
            : Keywords.TryGetValue(type, out string? keyword) ? keyword : Named(type, nullability);
        bool nullable = nullability is not null && !type.IsValueType && !type.IsGenericParameter
            && (nullability.ReadState == NullabilityState.Nullable || nullability.WriteState == NullabilityState.Nullable);
        return nullable ? name + "?" : name;
    }

    /// <summary>A constant or a default value.</summary>
    public static string Value(object? value, Type type)
    {
        bool nullable = !type.IsValueType || Nullable.GetUnderlyingType(type) is not null;
        type = Nullable.GetUnderlyingType(type) ?? type;
        return value switch
        {
            null => nullable ? "null" : "default",
            string text => $"\"{text}\"",
            char character => $"'{character}'",
            bool flag => flag ? "true" : "false",
            _ when type.IsEnum => $"{Of(type)}.{Enum.ToObject(type, value)}",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };
    }

    // The arguments of a nested type begin with those of the types around it.
    private static string Named(Type type, NullabilityInfo? nullability)
    {
        if (type.IsGenericParameter)
            return type.Name;
        var arguments = type.GetGenericArguments();
        int outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string prefix = type.DeclaringType is { } declaring ? Of(declaring.IsGenericTypeDefinition && outer > 0 ? declaring.MakeGenericType(arguments[..outer]) : declaring) + "." : "";
        string name = prefix + type.Name.Split('`')[0];
        if (arguments.Length == outer)
            return name;
        var infos = nullability?.GenericTypeArguments;
        return $"{name}<{string.Join(", ", arguments.Select((argument, index) => (argument, index)).Skip(outer)
            .Select(pair => Of(pair.argument, infos?.Length == arguments.Length ? infos[pair.index] : null)))}>";
    }
}
