using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Simulation.Time;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The operating system in a guest: its files, which outlive its power, and its programs, which do not.</summary>
[SuppressMessage("Design", "CA1001", Justification = "What is cancelled holds nothing once it was, and a data centre has nobody who disposes its guests one by one.")]
internal sealed class GuestSystem : GuestPart, IGuestSystem
{
    private const long MaxCapacityBytes = 1L << 30;

    private CancellationTokenSource _power = new();
    private string? _hostName;

    public GuestFileTree Files { get; private set; } = null!;

    public string HostName
    {
        get => _hostName ?? Guest.Instance.Name;
        set => _hostName = value;
    }

    public string Machine => Guest.Instance.Config.Architecture.ToString();

    public int Cpus => Guest.Instance.Kind == InstanceKind.VirtualMachine ? Guest.Instance.Config.Cpus : (int)Math.Ceiling(Guest.Instance.Config.CpuLimit ?? Guest.Instance.Node.Cpus);

    public long MemoryBytes => Guest.Instance.Config.FootprintBytes;

    public long MemoryUsedBytes => (long)(MemoryBytes * Guest.MemoryNow);

    public double LoadAverage => Guest.CpuNow * Cpus;

    public DateTimeOffset Now => Guest.World.Clock.GetUtcNow();

    public DateTimeOffset BootedAt => Guest.PoweredOnAt;

    public IReadOnlyList<(string Name, string? Mac, string? Address)> Networks =>
        [.. Guest.Instance.Config.Networks.Select(static (network, index) => ($"eth{index}", (string?)network.Mac.ToString(), network.Address?.ToString()))];

    public IReadOnlyDictionary<string, SimulatedProgram> Programs => Guest.World.GuestPrograms;

    /// <summary>Is cancelled when the machine is switched off.</summary>
    public CancellationToken Power => _power.Token;

    public override void OnMade()
    {
        long disk = Guest.Instance.Config.Disks.Count > 0 ? Guest.Instance.Config.Disks[0].GuestBytes : MaxCapacityBytes;
        Files = new GuestFileTree(Guest.World.GuestRoot, Math.Min(Math.Max(disk, 1 << 20), MaxCapacityBytes), () => Now);
    }

    public override void OnPowerOn() => Renew();

    public override void OnPowerOff() => Renew();

    public override void OnPanic() => Renew();

    public async ValueTask DelayAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (time <= TimeSpan.Zero)
            return;
        // Continues where it is completed: within the loop, by the timer or by what cancels.
        var due = new TaskCompletionSource();
        var timer = Guest.World.Loop.Schedule(time, static state => ((TaskCompletionSource)state!).TrySetResult(), due);
        using (cancellationToken.Register(
            static state =>
            {
                var (due, timer) = ((TaskCompletionSource, LoopTimer))state!;
                SimulationLoop.Disarm(timer);
                due.TrySetCanceled();
            },
            (due, timer)))
        {
            await due.Task.ConfigureAwait(false);
        }
    }

    public void PowerOff(bool restart)
    {
        if (!restart)
        {
            Guest.ShutDown();
            return;
        }

        Guest.World.Note("guest", Guest.Instance.Text, "reboot");
        Guest.World.Loop.Schedule(TimeSpan.Zero, static state => ((SimGuest)state!).Reboot(), Guest);
    }

    private void Renew()
    {
        var before = _power;
        _power = new CancellationTokenSource();
        before.Cancel();
        before.Dispose();
    }
}
