using System.Text;

namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>C# names for the API's names.</summary>
internal static class Names
{
    private static readonly HashSet<string> s_keywords = ["public", "default", "event", "base", "params", "object", "operator", "lock", "ref"];

    /// <summary>status_code, StatusCode, all-projects → StatusCode, AllProjects; NetworkACLRule → NetworkAclRule.</summary>
    public static string Pascal(string name)
    {
        var text = new StringBuilder();
        bool isStart = true;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (!char.IsLetterOrDigit(c))
            {
                isStart = true;
                continue;
            }

            bool isAcronym = i > 0 && char.IsUpper(name[i - 1]) && char.IsUpper(c) && (i + 1 == name.Length || !char.IsLower(name[i + 1]) || (name[i + 1] == 's' && (i + 2 == name.Length || char.IsUpper(name[i + 2]))));
            text.Append(isStart ? char.ToUpperInvariant(c) : isAcronym ? char.ToLowerInvariant(c) : c);
            isStart = false;
        }

        return char.IsDigit(text[0]) ? "N" + text : text.ToString();
    }

    public static string Parameter(string name)
    {
        string pascal = Pascal(name);
        string camel = char.ToLowerInvariant(pascal[0]) + pascal[1..];
        return camel is "body" or "call" ? camel + "Name" : s_keywords.Contains(camel) ? "@" + camel : camel;
    }

    /// <summary>The file of an operation or a model, by what its name begins with.</summary>
    public static string Group(string name)
    {
        string lower = name.ToLowerInvariant().Replace("_", "", StringComparison.Ordinal);
        string[] groups =
        [
            "Certificate", "Cluster", "Event", "Image", "Instance", "NetworkAcl", "NetworkForward", "NetworkLoadBalancer", "NetworkIntegration", "NetworkPeer", "NetworkZone", "Network", "Operation", "Profile",
            "Project", "Resources", "StorageBucket", "StoragePoolBucket", "StoragePoolVolume", "StorageVolume", "Storage", "Warning", "Metadata",
        ];
        return Array.Find(groups, group => lower.StartsWith(group.ToLowerInvariant(), StringComparison.Ordinal)) ?? "Server";
    }
}
