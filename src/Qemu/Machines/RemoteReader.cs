using System.Net;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Checks attachments that QEMU reaches by a protocol.</summary>
[SupportedOSPlatform("linux")]
internal static class RemoteReader
{
    private const int NbdPort = 10809;
    private const int MaxNameChars = 512;
    private const int MaxSocketChars = 107;

    /// <summary>What is written down of an attachment; null for one of another kind.</summary>
    public static RemoteConfig? Read(VolumeAttachment attachment, string field) => attachment switch
    {
        VolumeAttachment.Nbd nbd => ReadNbd(nbd.Export, $"{field}.export"),
        VolumeAttachment.Iscsi iscsi => ReadIscsi(iscsi, field),
        VolumeAttachment.Rbd rbd => new RemoteConfig
        {
            Kind = RemoteConfig.Rbd,
            Name = CheckName(rbd.Image, $"{field}.image"),
            Pool = CheckName(rbd.Pool, $"{field}.pool"),
            Namespace = rbd.Namespace is { } part ? CheckName(part, $"{field}.namespace") : null,
            User = CheckName(rbd.User, $"{field}.user"),
            ConfigurationPath = Path.IsPathFullyQualified(rbd.ConfigurationPath) && !rbd.ConfigurationPath.Any(char.IsControl)
                ? rbd.ConfigurationPath : throw SpecProblem.Invalid($"{field}.configurationPath", $"'{DiskMaker.Echo(rbd.ConfigurationPath)}' is not an absolute path"),
            Secret = rbd.Key,
        },
        _ => null,
    };

    private static RemoteConfig ReadNbd(Uri export, string field)
    {
        const string SocketKey = "?socket=";
        string name = Uri.UnescapeDataString(export.AbsolutePath).TrimStart('/');
        if (name.Length > MaxNameChars || name.Any(char.IsControl))
            throw SpecProblem.Invalid(field, $"'{DiskMaker.Echo(name)}' is not the name of an export");
        if (export.Scheme == "nbd+unix" && export.Query.StartsWith(SocketKey, StringComparison.Ordinal))
        {
            string socket = Uri.UnescapeDataString(export.Query[SocketKey.Length..]);
            return Path.IsPathFullyQualified(socket) && socket.Length <= MaxSocketChars && !socket.Any(char.IsControl)
                ? new RemoteConfig { Kind = RemoteConfig.Nbd, Name = name, Socket = socket }
                : throw SpecProblem.Invalid(field, $"'{DiskMaker.Echo(socket)}' is not the absolute path of a socket, of at most {MaxSocketChars} characters");
        }

        if (export.Scheme != "nbd" || export.Host.Length == 0 || export.Query.Length > 0 || export.UserInfo.Length > 0)
            throw SpecProblem.Invalid(field, $"'{DiskMaker.Echo(export.Scheme)}://...' is not an address here: nbd://host:port/name or nbd+unix:///name?socket=path");
        return new RemoteConfig { Kind = RemoteConfig.Nbd, Name = name, Host = export.IdnHost, Port = export.IsDefaultPort || export.Port < 0 ? NbdPort : export.Port };
    }

    private static RemoteConfig ReadIscsi(VolumeAttachment.Iscsi iscsi, string field)
    {
        if (iscsi.Portals.Count == 0)
            throw SpecProblem.Invalid($"{field}.portals", "there is none");
        if (iscsi.Lun is < 0 or > 16383)
            throw SpecProblem.Invalid($"{field}.lun", $"{iscsi.Lun} is not the number of a unit: 0 to 16383");
        if (iscsi.ChapUser is null != iscsi.ChapSecret is null)
            throw SpecProblem.Invalid($"{field}.chapSecret", "a CHAP user and its secret go together");
        DnsEndPoint portal = iscsi.Portals[0];
        return new RemoteConfig
        {
            Kind = RemoteConfig.Iscsi,
            Name = CheckName(iscsi.Target, $"{field}.target"),
            Lun = iscsi.Lun,
            Host = portal.Host,
            Port = portal.Port == 0 ? 3260 : portal.Port,
            User = iscsi.ChapUser is { } user ? CheckName(user, $"{field}.chapUser") : null,
            Secret = iscsi.ChapSecret,
        };
    }

    private static string CheckName(string name, string field) => name.Length is > 0 and <= MaxNameChars && !name.Any(char.IsControl)
        ? name : throw SpecProblem.Invalid(field, $"'{DiskMaker.Echo(name)}' is not a name: 1 to {MaxNameChars} characters, none of control");
}
