using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Two backends with state directories of their own stand for two hosts, which one application has connected.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationLab : IAsyncDisposable
{
    public const string There = "there";

    private QemuHost? _host;
    private bool _isTargetOther;

    private MigrationLab(QemuLab lab) => Lab = lab;

    public QemuLab Lab { get; }

    public QemuBackend Source { get; private set; } = null!;

    public QemuBackend Target { get; private set; } = null!;

    public static MigrationTarget To { get; } = new() { Backend = BackendName.Parse(There) };

    /// <summary>The source, from the target.</summary>
    public static MigrationTarget Back { get; } = new() { Backend = BackendName.Parse("local") };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<MigrationLab> CreateAsync(IDurableSeam? seam = null, QemuHost? host = null, Action<QemuOptions>? target = null, Action<QemuOptions>? source = null, bool isTargetOther = false)
    {
        var made = new MigrationLab(await QemuLab.CreateAsync()) { _host = host, _isTargetOther = isTargetOther };
        await made.ConnectAsync(seam, target: target, source: source);
        return made;
    }

    /// <summary>Moves a machine, ended before the given effect on either side; connects both anew and looks that it lives once.</summary>
    /// <param name="spec">The machine.</param>
    /// <param name="options">How it is moved.</param>
    /// <param name="point">Before which effect, from 1 on; a number that is never reached lets the move end.</param>
    /// <param name="atTarget">Where it must be then; null for either.</param>
    /// <param name="targetFirst">Which side is connected first.</param>
    /// <returns>The effects up to there.</returns>
    public static async Task<IReadOnlyList<string>> RunToPointAsync(Func<MigrationLab, VirtualMachineSpec> spec, MigrationOptions? options, int point, bool? atTarget, bool targetFirst)
    {
        var seam = new CrashSeam();
        await using var lab = await CreateAsync(seam);
        var machine = await lab.StartAsync(spec(lab));
        seam.Arm(point);
        bool finished = true;
        try
        {
            await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, To, options, null, Token).WaitForCompletionAsync(Token);
        }
        catch (CrashException)
        {
            finished = false;
        }

        var effects = seam.Effects;
        seam.Crash();
        await lab.AbandonAsync();
        await lab.ConnectAsync(targetFirst: targetFirst);
        bool isThere = await lab.AssertLivesOnceAsync(machine);
        Assert.True(!finished || isThere, "A move that was reported as done is done.");
        Assert.True(atTarget is null || atTarget == isThere, $"It is at the {(isThere ? "target" : "source")}.");
        return effects;
    }

    /// <summary>Connects both, one after the other.</summary>
    public async Task ConnectAsync(IDurableSeam? seam = null, bool targetFirst = false, Action<QemuOptions>? target = null, Action<QemuOptions>? source = null)
    {
        if (targetFirst)
            await ConnectTargetAsync(seam, target);
        Source = await Lab.ConnectAsync(
            options =>
            {
                options.FindBackend = (name, _) => name.ToString() == There
                    ? ValueTask.FromResult<IBackend>(Target)
                    : throw new HypervisorException($"There is no backend '{name}'.", ErrorCode.NotFound, RequestOutcome.NotSent);
                source?.Invoke(options);
            },
            seam, _host);
        _host = Source.Services.Host;
        if (!targetFirst)
            await ConnectTargetAsync(seam, target);
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
    /// <returns>Whether it is at the target.</returns>
    public async Task<bool> AssertLivesOnceAsync(Instance machine)
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

    public async ValueTask DisposeAsync()
    {
        await foreach (var left in Target.Get<IHypervisor>().List())
            await Target.Get<IHypervisor>().DeleteAsync(left.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
        await Lab.DisposeAsync();
    }

    private async Task ConnectTargetAsync(IDurableSeam? seam, Action<QemuOptions>? configure) => Target = await Lab.ConnectAsync(
        options =>
        {
            options.Name = There;
            options.FindBackend = (_, _) => ValueTask.FromResult<IBackend>(Source);
            options.StateDirectory = Lab["there"];
            options.RuntimeDirectory = Lab["rt"];
            configure?.Invoke(options);
        },
        seam, _isTargetOther ? null : _host);
}
