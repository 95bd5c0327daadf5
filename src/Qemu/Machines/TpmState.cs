using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// What a machine's TPM remembers, as swtpm keeps it: one file in the directory <c>tpm</c>, which swtpm replaces whole. A snapshot has a copy of it beside (<c>tpm-TAG</c>); what a guest with kept memory goes back to comes with that memory.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class TpmState
{
    /// <summary>The file's name, of swtpm(8): the permanent state of a TPM 2.0.</summary>
    public const string File = "tpm2-00.permall";

    /// <summary>Larger than any: the persistent memory of the emulated TPM has 128 KiB.</summary>
    private const int MaxBytes = 1 << 20;

    /// <summary>Keeps it for a snapshot.</summary>
    public static void Keep(MachineChange change, string tag)
    {
        if (change.Config.Tpm && Read(change, StateDirectory.Tpm(change.Id)) is { } state)
            change.Root.AtomicWrite(StateDirectory.TpmOf(change.Id, tag), state);
    }

    /// <summary>Puts back what a snapshot has kept. swtpm does not run.</summary>
    public static void Restore(MachineChange change, string tag)
    {
        if (!change.Config.Tpm)
            return;
        change.Root.CreateDirectory(StateDirectory.Tpm(change.Id));
        string path = $"{StateDirectory.Tpm(change.Id)}/{File}";
        if (change.Root.Read(StateDirectory.TpmOf(change.Id, tag), MaxBytes) is { } state)
            change.Root.AtomicWrite(path, state);
        else
            change.Root.Delete(path);
    }

    /// <summary>Forgets what a snapshot has kept.</summary>
    public static void Forget(MachineChange change, string tag) => change.Root.Delete(StateDirectory.TpmOf(change.Id, tag));

    /// <summary>Gives a clone the TPM of its source, as it is or was at a snapshot.</summary>
    public static void MakeClone(MachineChange change, MachineConfig config, string sourceId, string? tag)
    {
        if (!config.Tpm)
            return;
        byte[]? state = tag is null ? Read(change, StateDirectory.Tpm(sourceId)) : change.Root.Read(StateDirectory.TpmOf(sourceId, tag), MaxBytes);
        if (state is null)
            return;
        change.Root.CreateDirectory(StateDirectory.Tpm(change.Id));
        change.Root.AtomicWrite($"{StateDirectory.Tpm(change.Id)}/{File}", state);
    }

    private static byte[]? Read(MachineChange change, string directory) => change.Root.Find(directory) is null ? null : change.Root.Read($"{directory}/{File}", MaxBytes);
}
