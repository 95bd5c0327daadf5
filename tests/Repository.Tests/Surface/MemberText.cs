using System.Reflection;
using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Repository.Tests.Surface;

/// <summary>The line of one member.</summary>
internal static class MemberText
{
    public static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    /// <summary>Visible, written by somebody, and not one of object's own; accessors are their property's and operators are methods.</summary>
    public static bool IsOffered(MethodInfo method) =>
        IsVisible(method)
        && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))
        && !method.IsDefined(typeof(CompilerGeneratedAttribute), false)
        && method.GetBaseDefinition().DeclaringType != typeof(object) && method.GetBaseDefinition().DeclaringType != typeof(ValueType);

    public static string Of(FieldInfo field)
    {
        string modifier = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
        string value = field.IsLiteral ? " = " + TypeNames.Value(field.GetRawConstantValue(), field.FieldType) : "";
        return $"{Start(field)}{Access(field.IsFamily || field.IsFamilyOrAssembly)}{modifier}{TypeNames.Of(field.FieldType, new NullabilityInfoContext().Create(field))} {field.Name}{value}";
    }

    public static string Of(ConstructorInfo constructor, Type type) =>
        $"{Start(constructor)}{Access(!constructor.IsPublic)}{type.Name.Split('`')[0]}{Parameters(constructor)}";

    public static string Of(PropertyInfo property)
    {
        var first = property.GetAccessors(true).First(IsVisible);
        string accessors = string.Concat(new[] { property.GetMethod, property.SetMethod }.OfType<MethodInfo>().Where(IsVisible).Select(accessor =>
            $"{Access(!accessor.IsPublic && first.IsPublic)}{(accessor == property.GetMethod ? "get" : IsInit(accessor) ? "init" : "set")}; "));
        string required = property.IsDefined(typeof(RequiredMemberAttribute), false) ? "required " : "";
        var index = property.GetIndexParameters();
        string name = index.Length > 0 ? $"this[{string.Join(", ", index.Select(Parameter))}]" : property.Name;
        return $"{Start(property)}{Access(!first.IsPublic)}{Modifiers(first)}{required}{RefPrefix(property.PropertyType, first.ReturnParameter)}{TypeNames.Of(property.PropertyType, new NullabilityInfoContext().Create(property))} {name} {{ {accessors}}}";
    }

    public static string Of(EventInfo one) =>
        $"{Start(one)}{Modifiers(one.AddMethod!)}event {TypeNames.Of(one.EventHandlerType!, new NullabilityInfoContext().Create(one))} {one.Name}";

    public static string Of(MethodInfo method)
    {
        string generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(one => one.Name))}>" : "";
        string extension = method.IsDefined(typeof(ExtensionAttribute), false) ? "this " : "";
        return $"{Start(method)}{Access(!method.IsPublic)}{Modifiers(method)}{Returns(method)} {method.Name}{generic}{Parameters(method, extension)}{Constraints(method.IsGenericMethod ? method.GetGenericArguments() : [])}";
    }

    public static string Returns(MethodInfo method) =>
        RefPrefix(method.ReturnType, method.ReturnParameter) + TypeNames.Of(method.ReturnType, new NullabilityInfoContext().Create(method.ReturnParameter));

    public static string Parameters(MethodBase method, string first = "") => $"({first}{string.Join(", ", method.GetParameters().Select(Parameter))})";

    public static string Constraints(IEnumerable<Type> parameters) => string.Concat(parameters.Where(one => one.IsGenericParameter).Select(parameter =>
    {
        var flags = parameter.GenericParameterAttributes;
        var words = new List<string>();
        if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            words.Add("class");
        if (flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
            words.Add("struct");
        words.AddRange(parameter.GetGenericParameterConstraints().Where(one => one != typeof(ValueType)).Select(one => TypeNames.Of(one)).Order(StringComparer.Ordinal));
        if (flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && !flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
            words.Add("new()");
        if (flags.HasFlag(GenericParameterAttributes.AllowByRefLike))
            words.Add("allows ref struct");
        return words.Count > 0 ? $" where {parameter.Name} : {string.Join(", ", words)}" : "";
    }));

    private static string Parameter(ParameterInfo parameter)
    {
        string modifier = parameter.IsOut ? "out "
            : parameter.ParameterType.IsByRef ? parameter.IsIn ? "in " : parameter.IsDefined(typeof(RequiresLocationAttribute), false) ? "ref readonly " : "ref "
            : parameter.IsDefined(typeof(ParamArrayAttribute), false) || parameter.IsDefined(typeof(ParamCollectionAttribute), false) ? "params " : "";
        string value = parameter.HasDefaultValue ? " = " + TypeNames.Value(parameter.RawDefaultValue, parameter.ParameterType) : "";
        return $"{modifier}{TypeNames.Of(parameter.ParameterType, new NullabilityInfoContext().Create(parameter))} {parameter.Name}{value}";
    }

    private static string Start(MemberInfo member) => PublicSurface.Attributes(member);

    private static string Access(bool isProtected) => isProtected ? "protected " : "";

    // On an interface everything is abstract, and only what is not is said.
    private static string Modifiers(MethodInfo method)
    {
        string text = method.IsStatic ? "static " : "";
        if (method.DeclaringType!.IsInterface)
            return text + (method.IsAbstract ? method.IsStatic ? "abstract " : "" : method.IsVirtual ? "virtual " : "");
        if (method.IsAbstract)
            return text + "abstract ";
        bool overrides = method.GetBaseDefinition() != method;
        return text + (overrides ? "override " : method is { IsVirtual: true, IsFinal: false } && !method.DeclaringType.IsSealed ? "virtual " : "");
    }

    private static string RefPrefix(Type type, ParameterInfo result) =>
        !type.IsByRef ? "" : result.GetRequiredCustomModifiers().Any(one => one.Name == "InAttribute") ? "ref readonly " : "ref ";

    private static bool IsInit(MethodInfo setter) => setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
}
