using System.Text;

namespace Hypervisor.Sdk.Eng.QapiGenerator;

/// <summary>C# names for QAPI names.</summary>
internal static class Names
{
    private static readonly HashSet<string> s_keywords =
    [
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default", "delegate", "do", "double",
        "else", "enum", "event", "explicit", "extern", "false", "finally", "fixed", "float", "for", "foreach", "goto", "if", "implicit", "in", "int", "interface", "internal",
        "is", "lock", "long", "namespace", "new", "null", "object", "operator", "out", "override", "params", "private", "protected", "public", "readonly", "ref", "return",
        "sbyte", "sealed", "short", "sizeof", "stackalloc", "static", "string", "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked",
        "unsafe", "ushort", "using", "virtual", "void", "volatile", "while",
    ];

    private static readonly HashSet<string> s_inherited =
        ["EventName", "Timestamp", "WriteTo", "WriteMembers", "ToJson", "GetHashCode", "GetType", "Equals", "ToString", "MemberwiseClone", "Finalize"];

    /// <summary>node-name → NodeName, DEVICE_DELETED → DeviceDeleted, 2_5 → N2_5.</summary>
    public static string Pascal(string name)
    {
        bool isUpper = !name.Any(char.IsLower);
        var text = new StringBuilder();
        bool atStart = true;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (!char.IsLetterOrDigit(c))
            {
                if (text.Length > 0 && char.IsDigit(text[^1]) && i + 1 < name.Length && char.IsDigit(name[i + 1]))
                    text.Append('_');
                atStart = true;
                continue;
            }

            text.Append(atStart ? char.ToUpperInvariant(c) : isUpper ? char.ToLowerInvariant(c) : c);
            atStart = false;
        }

        return char.IsDigit(text[0]) ? "N" + text : text.ToString();
    }

    /// <summary>The name of a property of <paramref name="owner"/>, which may not be called like its type or what that inherits.</summary>
    public static string Property(string name, string owner)
    {
        string pascal = Pascal(name);
        return pascal == owner || s_inherited.Contains(pascal) ? pascal + "Value" : pascal;
    }

    /// <summary>node-name → nodeName, in → @in.</summary>
    public static string Parameter(string name)
    {
        string pascal = Pascal(name);
        string camel = char.ToLowerInvariant(pascal[0]) + pascal[1..];
        if (camel is "cancellationToken" or "outOfBand" or "w" or "r" or "a")
            camel += "Value";
        return s_keywords.Contains(camel) ? "@" + camel : camel;
    }
}
