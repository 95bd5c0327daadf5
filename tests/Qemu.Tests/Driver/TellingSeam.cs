using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Testing.Jobs;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Says every effect before it happens, on a line of its own: a test that kills the process counts them.</summary>
internal sealed class TellingSeam(TextWriter output) : IDurableSeam
{
    /// <summary>What each line begins with.</summary>
    public const string Prefix = MachineVictims.EffectPrefix;

    private readonly Lock _lock = new();

    public void Before(string effect)
    {
        lock (_lock)
            output.WriteLine(Prefix + effect);
    }

    public void After(string effect)
    {
    }
}
