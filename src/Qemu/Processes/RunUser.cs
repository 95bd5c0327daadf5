using System.Globalization;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>The unprivileged user whose rights QEMU has.</summary>
/// <param name="Name">The name, for messages.</param>
/// <param name="User">The number.</param>
/// <param name="Group">The number of the group.</param>
[SupportedOSPlatform("linux")]
internal sealed record RunUser(string Name, uint User, uint Group)
{
    private const string OwnName = "hypervisor-sdk";

    /// <summary>Whether this process is root.</summary>
    public static bool IsRoot => Native.EffectiveUser() == 0;

    /// <summary>Finds the user.</summary>
    /// <param name="wanted">A name or a number; null for the default.</param>
    /// <returns>Null when this process is not root: QEMU then has its rights.</returns>
    public static RunUser? Find(string? wanted)
    {
        if (!IsRoot)
            return wanted is null ? null : throw Refused(wanted, "only root can start programs as another user");
        string[][] users = [.. File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length >= 4)];
        string[]? found = wanted is null
            ? users.FirstOrDefault(fields => fields[0] == OwnName) ?? users.FirstOrDefault(fields => fields[0] == "nobody")
            : users.FirstOrDefault(fields => fields[0] == wanted || fields[2] == wanted);
        uint group = 0;
        if (found is null && !uint.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out group))
            throw Refused(wanted ?? "nobody", "there is no such user");
        var user = found is null
            ? new RunUser(wanted!, group, group)
            : new RunUser(found[0], uint.Parse(found[2], CultureInfo.InvariantCulture), uint.Parse(found[3], CultureInfo.InvariantCulture));
        return user.User != 0 ? user : throw Refused(user.Name, "that is root");
    }

    /// <summary>Gives a file or directory to the user.</summary>
    public void Own(string path)
    {
        if (Native.ChangeOwner(path, User, Group) != 0)
            throw Native.Failure($"Giving '{path}' to the user '{Name}'");
    }

    /// <summary>Lets the user read a file and nobody but root write it: what several machines share.</summary>
    public void ShareForReading(SafeFileHandle file)
    {
        if (Native.ChangeOwner((int)file.DangerousGetHandle(), 0, Group) != 0)
            throw Native.Failure($"Sharing a file with the user '{Name}'");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
    }

    private static HypervisorException Refused(string name, string why) =>
        new($"QEMU cannot be run as the user '{name}': {why}. Set {nameof(QemuOptions)}.{nameof(QemuOptions.RunAsUser)}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent);
}
