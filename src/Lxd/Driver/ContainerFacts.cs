using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>A container as the server described it.</summary>
internal sealed class ContainerFacts
{
    private static readonly string[] s_notOfTheRevision = ["volatile.", ContainerRules.OwnPrefix];

    public ContainerFacts(LxdInstance own, Revision? tag)
    {
        Own = own;
        Tag = tag;
        Id = InstanceId.Parse(own.Name!);
        View = ViewOf(own);
    }

    public LxdInstance Own { get; }

    /// <summary>The server's ETag: of everything, also of what it writes itself when a container starts. Null where it came with a list.</summary>
    public Revision? Tag { get; }

    public InstanceId Id { get; }

    public Instance View { get; }

    public PowerState State => View.State;

    /// <summary>Whether something of it runs or is held.</summary>
    public bool IsActive => State != PowerState.Stopped;

    /// <summary>Which run it is.</summary>
    public string? Run => Own.LastUsedAt is { Year: > 1970 } at ? at.UtcTicks.ToString("x", CultureInfo.InvariantCulture) : null;

    private Instance ViewOf(LxdInstance own)
    {
        var config = own.ExpandedConfig ?? own.Config ?? new Dictionary<string, string>();
        var state = StateOf(own.StatusCode);
        return new Instance
        {
            Id = Id, Incarnation = Incarnation.Parse((own.CreatedAt ?? default).UtcTicks.ToString("x", CultureInfo.InvariantCulture)), Name = own.Name!, Kind = InstanceKind.Container, State = state, Revision = RevisionOf(own),
            Node = NodeName.TryParse(own.Location, null, out var node) && own.Location != "none" ? node : null,
            Architecture = Sdk.Architecture.TryParse(own.Architecture, null, out var architecture) ? architecture : null, GuestOs = config.TryGetValue("image.os", out string? os) ? os : null,
            Cpus = ContainerRules.CpusOf(config), Memory = ContainerRules.BytesOf(config.TryGetValue(ContainerRules.Memory, out string? memory) ? memory : null),
            Labels = ContainerRules.LabelsOf(own.Config), Description = own.Description is { Length: > 0 } words ? words : null, CreatedAt = own.CreatedAt,
            Disks = DeviceRules.DisksOf(own), Networks = DeviceRules.NetworksOf(own),
            StartedAt = state == PowerState.Stopped || Run is null ? null : own.LastUsedAt,
        };
    }

    /// <summary>The codes of <c>api/status_code.go</c> of both servers.</summary>
    private static PowerState StateOf(long? code) => code switch
    {
        102 => PowerState.Stopped,
        101 or 103 or 111 => PowerState.Running,
        106 => PowerState.Starting,
        107 or 108 => PowerState.Stopping,
        109 or 110 => PowerState.Paused,
        _ => PowerState.Unknown,
    };

    /// <summary>The version of the configuration: what a start or a request leaves in it is none of it. The server's own ETag counts that in.</summary>
    private static Revision RevisionOf(LxdInstance own)
    {
        var text = new StringBuilder();
        text.Append(own.Description).Append('\0').Append(own.Ephemeral is true).Append('\0').AppendJoin('\0', own.Profiles ?? []);
        foreach (var (key, value) in (own.Config ?? new Dictionary<string, string>()).Where(entry => !Array.Exists(s_notOfTheRevision, prefix => entry.Key.StartsWith(prefix, StringComparison.Ordinal))).OrderBy(entry => entry.Key, StringComparer.Ordinal))
            text.Append('\0').Append(key).Append('\0').Append(value);
        foreach (var (name, device) in (own.Devices ?? new Dictionary<string, IDictionary<string, string>>()).OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            text.Append("\0\0").Append(name);
            foreach (var (key, value) in device.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                text.Append('\0').Append(key).Append('\0').Append(value);
        }

        return Revision.Parse(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 12)));
    }
}
