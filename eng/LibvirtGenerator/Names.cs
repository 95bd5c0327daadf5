using System.Text;

namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <summary>C# names for libvirt's names.</summary>
internal static class Names
{
    private static readonly HashSet<string> s_keywords =
    [
        "base", "bool", "byte", "char", "checked", "class", "const", "default", "double", "event", "fixed", "float", "in", "int", "internal", "lock", "long", "object", "operator",
        "out", "params", "ref", "return", "short", "string", "switch", "this", "try", "uint", "ulong",
    ];

    /// <summary>DOMAIN_GET_INFO, domain_get_info → DomainGetInfo; maxMem → MaxMem.</summary>
    public static string Pascal(string name)
    {
        bool isUpper = !name.Any(char.IsLower);
        var text = new StringBuilder();
        foreach (string word in name.Split('_', StringSplitOptions.RemoveEmptyEntries))
        {
            if (text.Length > 0 && char.IsDigit(text[^1]) && char.IsDigit(word[0]))
                text.Append('_');
            text.Append(char.ToUpperInvariant(word[0])).Append(isUpper ? word[1..].ToLowerInvariant() : word[1..]);
        }

        return char.IsDigit(text[0]) ? "N" + text : text.ToString();
    }

    /// <summary>hv_ver → hvVer, event → @event.</summary>
    public static string Parameter(string name)
    {
        string pascal = Pascal(name);
        string camel = char.ToLowerInvariant(pascal[0]) + pascal[1..];
        if (camel is "r" or "w" or "cancellationToken")
            camel += "Value";
        return s_keywords.Contains(camel) ? "@" + camel : camel;
    }

    /// <summary>The C# name of a struct: what names an object is called as in libvirt's own interface (remote_nonnull_storage_vol → VirStorageVol), messages by their call (DomainGetInfoRet).</summary>
    public static string Struct(Program program, string name)
    {
        string rest = name.StartsWith(program.Prefix + "_", StringComparison.Ordinal) ? name[(program.Prefix.Length + 1)..] : name;
        bool isMessage = rest.EndsWith("_args", StringComparison.Ordinal) || rest.EndsWith("_ret", StringComparison.Ordinal) || rest.EndsWith("_msg", StringComparison.Ordinal);
        rest = rest.StartsWith("nonnull_", StringComparison.Ordinal) ? rest["nonnull_".Length..] : rest;
        string owner = program.Name == "remote" ? isMessage ? "" : "Vir" : Pascal(program.Prefix);
        return owner + Pascal(rest);
    }

    /// <summary>The members of an enum without what they all begin with.</summary>
    public static IEnumerable<(string Name, long Value)> Members(EnumType type)
    {
        var words = type.Members.Select(member => member.Name.Split('_')).ToList();
        int common = 0;
        while (words.TrueForAll(member => common < member.Length - 1 && member[common] == words[0][common]))
            common++;
        if (words.Count == 1)
            common = Math.Max(0, words[0].Length - 2);
        return type.Members.Select(member => (Pascal(string.Join('_', member.Name.Split('_')[common..])), member.Value));
    }

    /// <summary>The file that a procedure's method and a struct of that name belong to.</summary>
    public static string Group(Program program, string name)
    {
        if (program.Name != "remote")
            return Pascal(program.Name);
        string lower = name.ToLowerInvariant();
        string[] groups =
        [
            "domain_event", "domain_migrate", "domain_checkpoint", "domain_snapshot", "domain_get", "domain_set", "domain_block", "domain", "connect_list", "connect", "interface",
            "network", "node_device", "node", "nwfilter", "secret", "storage_pool", "storage_vol", "storage", "auth",
        ];
        return Pascal(Array.Find(groups, group => lower.StartsWith(group + "_", StringComparison.Ordinal)) ?? "types");
    }
}
