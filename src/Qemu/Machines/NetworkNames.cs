using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>The networks that a machine can join.</summary>
internal static partial class NetworkNames
{
    /// <summary>QEMU's own user-mode network: out through the host, nothing in.</summary>
    public const string User = "user";

    /// <summary>The same without a way out.</summary>
    public const string UserRestricted = "user-restricted";

    public static bool IsUser(string network) => network is User or UserRestricted;

    /// <summary>The bridge of <c>bridge:NAME</c>, the tap of <c>tap:NAME</c>.</summary>
    public static bool TryParse(string network, [NotNullWhen(true)] out string? kind, [NotNullWhen(true)] out string? name)
    {
        var match = Pattern().Match(network);
        kind = match.Success ? match.Groups[1].Value : null;
        name = match.Success ? match.Groups[2].Value : null;
        return match.Success;
    }

    // IFNAMSIZ is 16 with the NUL.
    [GeneratedRegex(@"\A(bridge|tap):([A-Za-z0-9][A-Za-z0-9_.-]{0,14})\z")]
    private static partial Regex Pattern();
}
