using System.CodeDom.Compiler;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Repository.Tests.Surface;

/// <summary>
/// What an assembly offers to others, as text: a block for each public type, a line for each member that a caller or a deriving class can use, in an order of its own.
/// Types that a generator wrote (marked with <see cref="GeneratedCodeAttribute"/>, or in a namespace that is all generated) are a line each, with the number of their
/// members: their shapes are held against their source by the generator's tests.
/// </summary>
internal static class PublicSurface
{
    public static string Print(Assembly assembly) => Print(assembly.GetName().Name!, assembly.GetExportedTypes());

    public static string Print(string title, IEnumerable<Type> types)
    {
        var text = new StringBuilder("# ").Append(title).Append('\n');
        foreach (var space in types.GroupBy(type => type.Namespace ?? "").OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            text.Append("\nnamespace ").Append(space.Key).Append('\n');
            foreach (var type in space.Where(type => !IsGenerated(type)).OrderBy(type => TypeNames.Of(type), StringComparer.Ordinal))
                Append(text, type);

            var generated = space.Where(IsGenerated).OrderBy(type => TypeNames.Of(type), StringComparer.Ordinal).ToList();
            if (generated.Count > 0)
                text.Append("\ngenerated: ").Append(generated.Count).Append(" types\n");
            foreach (var type in generated)
                text.Append("    ").Append(Kind(type)).Append(' ').Append(TypeNames.Of(type)).Append(": ").Append(Members(type).Count).Append(" members\n");
        }

        return text.ToString();
    }

    private static bool IsGenerated(Type? type) => type is not null && (type.Namespace is "Hypervisor.Sdk.Qemu.Qapi" or "Hypervisor.Sdk.Libvirt.Protocol" || type.IsDefined(typeof(GeneratedCodeAttribute), inherit: false) || IsGenerated(type.DeclaringType));

    private static void Append(StringBuilder text, Type type)
    {
        text.Append('\n').Append(Attributes(type));
        if (typeof(Delegate).IsAssignableFrom(type) && type.GetMethod("Invoke") is { } invoke)
        {
            text.Append("delegate ").Append(MemberText.Returns(invoke)).Append(' ').Append(TypeNames.Of(type)).Append(MemberText.Parameters(invoke))
                .Append(MemberText.Constraints(type.GetGenericArguments())).Append('\n');
            return;
        }

        text.Append(Kind(type)).Append(' ').Append(TypeNames.Of(type));
        var bases = Bases(type).ToList();
        if (bases.Count > 0)
            text.Append(" : ").AppendJoin(", ", bases);
        text.Append(MemberText.Constraints(type.GetGenericArguments())).Append('\n');
        foreach (string member in Members(type))
            text.Append("    ").Append(member).Append('\n');
    }

    internal static string Attributes(MemberInfo member)
    {
        var text = new StringBuilder();
        if (member is Type && member.IsDefined(typeof(FlagsAttribute), false))
            text.Append("[Flags] ");
        if (member.GetCustomAttribute<ExperimentalAttribute>(false) is { } experimental)
            text.Append("[Experimental(\"").Append(experimental.DiagnosticId).Append("\")] ");
        foreach (var platform in member.GetCustomAttributes<SupportedOSPlatformAttribute>(false).OrderBy(attribute => attribute.PlatformName, StringComparer.Ordinal))
            text.Append("[SupportedOSPlatform(\"").Append(platform.PlatformName).Append("\")] ");
        if (member.IsDefined(typeof(ObsoleteAttribute), false) && !member.IsDefined(typeof(CompilerFeatureRequiredAttribute), false))
            text.Append("[Obsolete] ");
        return text.ToString();
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum)
            return "enum";
        if (type.IsInterface)
            return "interface";
        bool record = type.GetMethod("PrintMembers", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly) is not null;
        if (type.IsValueType)
            return (type.IsDefined(typeof(IsReadOnlyAttribute), false) ? "readonly " : "") + (type.IsByRefLike ? "ref " : "") + (record ? "record struct" : "struct");
        string modifier = type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "";
        return modifier + (record ? "record" : "class");
    }

    // Interfaces that a base or another interface brings along are not said again.
    private static IEnumerable<string> Bases(Type type)
    {
        if (type.IsEnum)
        {
            if (Enum.GetUnderlyingType(type) != typeof(int))
                yield return TypeNames.Of(Enum.GetUnderlyingType(type));
            yield break;
        }

        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
            yield return TypeNames.Of(parent);
        var all = type.GetInterfaces();
        var inherited = all.SelectMany(one => one.GetInterfaces()).Concat(type.BaseType?.GetInterfaces() ?? []).ToHashSet();
        foreach (string name in all.Where(one => one.IsVisible && !inherited.Contains(one)).Select(one => TypeNames.Of(one)).Order(StringComparer.Ordinal))
            yield return name;
    }

    private static List<string> Members(Type type)
    {
        if (type.IsEnum)
            return [.. Enum.GetValuesAsUnderlyingType(type).Cast<object>().Select(value => $"{Enum.GetName(type, value)} = {value}")];

        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        return
        [
            .. type.GetFields(All).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly).Select(MemberText.Of).Order(StringComparer.Ordinal),
            .. type.GetConstructors(All).Where(MemberText.IsVisible).Where(one => !one.IsStatic && !(type.IsAbstract && one.IsAssembly)).Select(one => MemberText.Of(one, type)).Order(StringComparer.Ordinal),
            .. type.GetProperties(All).Where(property => property.GetAccessors(true).Any(MemberText.IsVisible)).Select(MemberText.Of).Order(StringComparer.Ordinal),
            .. type.GetEvents(All).Where(one => MemberText.IsVisible(one.AddMethod!)).Select(MemberText.Of).Order(StringComparer.Ordinal),
            .. type.GetMethods(All).Where(MemberText.IsOffered).Select(MemberText.Of).Order(StringComparer.Ordinal),
        ];
    }
}
