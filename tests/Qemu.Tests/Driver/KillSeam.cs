using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Kills the QEMU of a machine at one moment of a piece of work: right before an effect, or right after it.</summary>
[SupportedOSPlatform("linux")]
internal sealed class KillSeam : IDurableSeam
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private string? _effect;
    private bool _isAfter;
    private Action? _kill;

    /// <summary>Whether the moment has come since <see cref="Arm"/>.</summary>
    public bool HasKilled { get; private set; }

    /// <summary>Says when, and whose.</summary>
    /// <param name="effect">The effect, by a part of its words; the first that has them.</param>
    /// <param name="isAfter">After it, not before.</param>
    /// <param name="backend">At which end.</param>
    /// <param name="id">The machine.</param>
    public void Arm(string effect, bool isAfter, QemuBackend backend, InstanceId id)
    {
        lock (_lock)
            (_effect, _isAfter, _kill, HasKilled) = (effect, isAfter, () => Kill(backend, id), false);
    }

    /// <summary>Kills the QEMU of a machine, and returns when it is gone.</summary>
    public static void Kill(QemuBackend backend, InstanceId id)
    {
        var record = backend.Services.State.ReadProcess(id.ToString())!;
        using var victim = LiveProcess.TryHold(new ProcessIdentity(record.Pid, record.StartTicks, record.BootId))!;
        victim.Kill();
        Assert.True(SpinWait.SpinUntil(() => ProcessIdentity.Of(record.Pid) is null, s_patience));
    }

    public void Before(string effect) => Reach(effect, isAfter: false);

    public void After(string effect) => Reach(effect, isAfter: true);

    private void Reach(string effect, bool isAfter)
    {
        Action? kill = null;
        lock (_lock)
        {
            if (_effect is not null && isAfter == _isAfter && effect.Contains(_effect, StringComparison.Ordinal))
                (kill, _effect, HasKilled) = (_kill, null, true);
        }

        kill?.Invoke();
    }
}
