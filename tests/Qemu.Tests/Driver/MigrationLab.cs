using System.Diagnostics;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Xunit.Sdk;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Two backends with state directories of their own stand for two hosts, which one application has connected.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationLab : IAsyncDisposable
{
    public const string There = "there";

    /// <summary>The effect that gives the machine away, by a part of its words.</summary>
    public const string Decision = "/moved";

    private QemuHost? _host;
    private bool _isTargetOther;

    private MigrationLab(QemuLab lab) => Lab = lab;

    public QemuLab Lab { get; }

    public QemuBackend Source { get; private set; } = null!;

    public QemuBackend Target { get; private set; } = null!;

    public static MigrationTarget To { get; } = new() { Backend = BackendName.Parse(There) };

    /// <summary>The source, from the target.</summary>
    public static MigrationTarget Back { get; } = new() { Backend = BackendName.Parse("local") };

    /// <summary>The way between the two, when they are to be as two processes are to each other; null when each has the other's objects.</summary>
    public CutWay? Way { get; private init; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<MigrationLab> CreateAsync(IDurableSeam? seam = null, QemuHost? host = null, Action<QemuOptions>? target = null, Action<QemuOptions>? source = null, bool isTargetOther = false, CutWay? way = null)
    {
        var made = new MigrationLab(await QemuLab.CreateAsync()) { _host = host, _isTargetOther = isTargetOther, Way = way };
        await made.ConnectAsync(seam, target: target, source: source);
        return made;
    }

    /// <summary>Moves a machine, ended before the given effect on either side; connects both anew and looks that it lives once.</summary>
    /// <param name="spec">The machine.</param>
    /// <param name="options">How it is moved.</param>
    /// <param name="arm">Says before which effect.</param>
    /// <param name="atTarget">Where it must be then; null for either.</param>
    /// <param name="targetFirst">Which side is connected first.</param>
    /// <param name="isDistant">Whether the two are as two processes are to each other.</param>
    /// <returns>The effects up to there.</returns>
    public static async Task<IReadOnlyList<string>> RunToPointAsync(Func<MigrationLab, VirtualMachineSpec> spec, MigrationOptions? options, Action<CrashSeam> arm, bool? atTarget, bool targetFirst, bool isDistant = false)
    {
        var seam = new CrashSeam();
        await using var lab = await CreateAsync(seam, way: isDistant ? new CutWay() : null);
        var machine = await lab.StartAsync(spec(lab));
        arm(seam);
        bool finished = true;
        try
        {
            await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, To, options, null, Token).WaitForCompletionAsync(Token);
        }
        catch (CrashException)
        {
            finished = false;
        }
        catch (HypervisorException) when (isDistant && seam.HasCrashed)
        {
            // The other side has died first, as far as this one sees.
            finished = false;
        }

        var effects = seam.Effects;
        seam.Crash();
        lab.Way?.Cut();
        await lab.AbandonAsync();
        lab.Way?.Restore();
        await lab.ConnectAsync(targetFirst: targetFirst);
        bool isThere = await lab.AssertLivesOnceAsync(machine);
        Assert.True(!finished || isThere, "A move that was reported as done is done.");
        Assert.True(atTarget is null || atTarget == isThere, $"It is at the {(isThere ? "target" : "source")}.");
        return effects;
    }

    /// <summary>Moves a machine, ended before an effect; then ends the target's QEMU too, and connects both anew.</summary>
    /// <param name="effect">The effect, by a part of its words.</param>
    /// <param name="targetFirst">Which side is connected first.</param>
    /// <param name="after">An effect that has to be over before, likewise; null for none.</param>
    /// <returns>The lab, to look at, and the machine.</returns>
    public static async Task<(MigrationLab Lab, Instance Machine)> RunToDoubleFailureAsync(string effect, bool targetFirst, string? after = null)
    {
        var seam = new CrashSeam();
        var lab = await CreateAsync(seam);
        var machine = await lab.StartAsync(lab.Shared("web"));
        seam.Arm(effect, after);
        await Assert.ThrowsAsync<CrashException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, To, null, null, Token).WaitForCompletionAsync(Token));
        seam.Crash();
        KillSeam.Kill(lab.Target, machine.Id);
        await lab.AbandonAsync();
        await lab.ConnectAsync(targetFirst: targetFirst);
        return (lab, machine);
    }

    /// <summary>Moves a machine, ended at the decision or a few effects after it.</summary>
    /// <param name="spec">The machine.</param>
    /// <param name="options">How it is moved.</param>
    /// <param name="effects">How many effects after the decision.</param>
    /// <param name="atTarget">Where it must be then; null for either.</param>
    /// <param name="targetFirst">Which side is connected first.</param>
    /// <param name="isDistant">Whether the two are as two processes are to each other.</param>
    public static async Task RunToDecisionAsync(Func<MigrationLab, VirtualMachineSpec> spec, MigrationOptions? options, int effects, bool? atTarget, bool targetFirst, bool isDistant = false)
    {
        CrashSeam? used = null;
        await RunToPointAsync(spec, options, seam => (used = seam).Arm(effects + 1, Decision), atTarget, targetFirst, isDistant);
        Assert.Contains(used!.Effects, effect => effect.Contains(Decision, StringComparison.Ordinal));
    }

    /// <summary>Connects both, one after the other.</summary>
    public async Task ConnectAsync(IDurableSeam? seam = null, bool targetFirst = false, Action<QemuOptions>? target = null, Action<QemuOptions>? source = null)
    {
        if (targetFirst)
            await ConnectTargetAsync(seam, target);
        await ConnectSourceAsync(seam, source);
        if (!targetFirst)
            await ConnectTargetAsync(seam, target);
    }

    /// <summary>Ends one of the two as the end of its process would, and connects it anew.</summary>
    public async Task ReconnectAsync(bool isTarget, IDurableSeam? seam, Action<QemuOptions>? configure = null)
    {
        await Lab.AbandonAsync(isTarget ? Target : Source);
        if (isTarget)
            await ConnectTargetAsync(seam, configure);
        else
            await ConnectSourceAsync(seam, configure);
    }

    /// <summary>Ends both as the end of their process would.</summary>
    public async Task AbandonAsync()
    {
        await Lab.AbandonAsync(Source);
        await Lab.AbandonAsync(Target);
    }

    public async Task<Instance> StartAsync(VirtualMachineSpec spec)
    {
        var created = await Source.Get<IHypervisor>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        return await Source.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
    }

    /// <summary>A machine whose QEMU runs a BIOS that finds nothing on a disk that both see.</summary>
    public VirtualMachineSpec Shared(string name)
    {
        string disk = Path.Combine(Lab.Images, name + ".raw");
        File.WriteAllBytes(disk, new byte[1 << 20]);
        // QEMU runs as another user when the tests are run by root.
        File.SetUnixFileMode(disk, (UnixFileMode)0b110_110_110);
        var spec = QemuLab.EmptySpec(name);
        spec.Disks.Clear();
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(disk, "raw")) });
        return spec;
    }

    /// <summary>The machine lives exactly once: one backend has it and its guest runs, the other has nothing, and there is one QEMU.</summary>
    /// <remarks>Whoever was connected first hears of the other in the background, and writes what it made of it after the guest runs: what is not so yet is waited for.</remarks>
    /// <returns>Whether it is at the target.</returns>
    public async Task<bool> AssertLivesOnceAsync(Instance machine)
    {
        var limit = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            try
            {
                return await AssertSettledAsync(machine);
            }
            catch (XunitException) when (limit.Elapsed < TimeSpan.FromSeconds(60))
            {
                await timer.WaitForNextTickAsync(Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await foreach (var left in Target.Get<IHypervisor>().List())
            await Target.Get<IHypervisor>().DeleteAsync(left.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
        await Lab.DisposeAsync();
    }

    private async Task ConnectSourceAsync(IDurableSeam? seam, Action<QemuOptions>? configure)
    {
        Source = await Lab.ConnectAsync(
            options =>
            {
                options.FindBackend = (name, _) => name.ToString() == There
                    ? ValueTask.FromResult(Way?.To(() => Target) ?? Target)
                    : throw new HypervisorException($"There is no backend '{name}'.", ErrorCode.NotFound, RequestOutcome.NotSent);
                configure?.Invoke(options);
            },
            seam, _host);
        _host = Source.Services.Host;
    }

    private async Task ConnectTargetAsync(IDurableSeam? seam, Action<QemuOptions>? configure) => Target = await Lab.ConnectAsync(
        options =>
        {
            options.Name = There;
            options.FindBackend = (_, _) => ValueTask.FromResult(Way?.To(() => Source) ?? Source);
            options.StateDirectory = Lab["there"];
            options.RuntimeDirectory = Lab["rt"];
            configure?.Invoke(options);
        },
        seam, _isTargetOther ? null : _host);

    private async Task<bool> AssertSettledAsync(Instance machine)
    {
        var here = await Source.Get<IHypervisor>().FindAsync(machine.Id, Token);
        var there = await Target.Get<IHypervisor>().FindAsync(machine.Id, Token);
        Assert.True(here is null != there is null, $"At the source: {here?.State}. At the target: {there?.State}.");
        var found = (here ?? there)!;
        Assert.True(found.State == PowerState.Running, $"{(here is null ? "target" : "source")}: {found.State} {found.StateReason}");
        Assert.Equal(machine.Incarnation, found.Incarnation);
        Assert.Single(ProcessIdentity.WithArgument("-uuid", machine.Incarnation.ToString()!));
        var other = here is null ? Source : Target;
        var own = here is null ? Target : Source;
        Assert.Empty(CrashPoints.Names(other.Services.State.Path, "vms"));
        Assert.Empty(CrashPoints.Names(other.Services.State.Path, "names"));
        Assert.Empty(CrashPoints.Names(other.Services.State.Path, "trash"));
        Assert.Empty(CrashPoints.Names(other.Services.Runtime.Path, ""));
        Assert.Empty(own.Services.State.ReadJournal(machine.Id.ToString()).Open);
        return here is null;
    }
}
