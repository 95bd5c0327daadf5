using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Snapshots;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>
/// Runs a piece of work once to its end, then once for each of its durable effects, ended before it; connects anew each time and looks whether the work is finished or undone, with nothing left over.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class CrashPoints
{
    /// <summary>
    /// Walks the durable effects of a piece of work by their words, as a try more of what a guest has crossed adds some to one run and not to the next: whatever the first run did once must be met in its own; that it did the same
    /// more often may have been such a try.
    /// </summary>
    /// <param name="name">What is run, for the output.</param>
    /// <param name="run">Runs it with a seam that it has armed as it is told; returns the effects up to its end.</param>
    /// <returns>How many points there were.</returns>
    public static async Task<int> WalkAsync(string name, Func<Action<CrashSeam>, Task<IReadOnlyList<string>>> run)
    {
        var whole = await run(static seam => seam.Arm());
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {whole.Count} crash points\n  {string.Join("\n  ", whole)}");
        var times = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string words in whole.Select(CrashSeam.Plain))
        {
            int time = times[words] = times.GetValueOrDefault(words) + 1;
            var reached = await run(seam => seam.ArmAt(words, time));
            Assert.True(time > 1 || CrashSeam.Plain(reached[^1]) == words, $"{name}: '{words}' was never met.");
        }

        return whole.Count;
    }

    /// <summary>Runs it.</summary>
    /// <param name="name">What is run, for the output.</param>
    /// <param name="prepare">What has to be there before; returns the id of the machine that it is about, if there is one.</param>
    /// <param name="work">The work, to its end.</param>
    /// <param name="check">What must hold after the restart: the backend, the id of <paramref name="prepare"/>, whether the work was run to its end.</param>
    /// <returns>How many points there are.</returns>
    public static async Task<int> RunAsync(
        string name, Func<QemuLab, QemuBackend, Task<InstanceId?>> prepare, Func<QemuLab, QemuBackend, InstanceId?, Task> work, Func<QemuLab, QemuBackend, InstanceId?, bool, Task> check)
    {
        var host = await ProbeAsync();
        int points = await WalkAsync(name, arm => RunOnceAsync(arm, host, prepare, work, check));
        Assert.NotEqual(0, points);
        return points;
    }

    /// <summary>Looks that nothing is left that belongs to nobody.</summary>
    public static async Task AssertNothingOrphanedAsync(QemuLab lab, QemuBackend backend)
    {
        string state = lab.StateDirectory;
        var hypervisor = backend.Get<IHypervisor>();
        var instances = new List<Instance>();
        await foreach (var instance in hypervisor.List())
            instances.Add(instance);
        var ids = instances.Select(instance => instance.Id.ToString()).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(ids, Names(state, "vms"));
        Assert.Equal(instances.Select(instance => instance.Name).Order(StringComparer.Ordinal), Names(state, "names"));
        Assert.Empty(Names(state, "trash"));
        Assert.All(Names(state, "locks"), file => Assert.Contains(file.Replace(".watch", "", StringComparison.Ordinal), ids));
        Assert.All(Names(lab["run"], ""), id => Assert.Contains(id, ids));
        foreach (var instance in instances)
        {
            string machine = Path.Combine(state, "vms", instance.Id.ToString());
            var config = backend.Services.State.ReadConfig(instance.Id.ToString())!;
            string[] known = ["cloud-init.json", "config.json", "console.log", "disks", "journal", "process.json", "qemu.log", "snapshots.json", "tpm", "tpm.log"];
            Assert.All(Names(machine, ""), file => Assert.Contains(file, known));
            // The image that keeps memory stays with the machine once a snapshot has needed it.
            var expected = config.Disks.Select(disk => disk.File).Concat(config.Disks.SelectMany(disk => disk.Backing).Select(below => below.File)).Append(config.CloudInit is null ? null : SeedMaker.File).Append(config.Nvram is null ? null : NvramMaker.File).OfType<string>().Order(StringComparer.Ordinal);
            Assert.Equal(expected, Names(machine, "disks").Where(file => file != SnapshotFiles.MemoryFile));
            Assert.Empty(backend.Services.State.ReadJournal(instance.Id.ToString()).Open);
            var processes = ProcessIdentity.WithArgument("-uuid", config.Uuid.ToString("D")).ToList();
            Assert.Equal(instance.State == PowerState.Stopped ? 0 : 1, processes.Count);
            Assert.Equal(instance.State != PowerState.Stopped, Names(lab["run"], "").Contains(instance.Id.ToString()));
        }

        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(state, ".unfinished*", SearchOption.AllDirectories), _ => true);
    }

    public static IReadOnlyList<string> Names(string directory, string below) =>
        Directory.Exists(Path.Combine(directory, below)) ? [.. Directory.EnumerateFileSystemEntries(Path.Combine(directory, below)).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)] : [];

    /// <summary>Asks QEMU what it is once for all points.</summary>
    private static async Task<QemuHost> ProbeAsync()
    {
        await using var lab = await QemuLab.CreateAsync();
        return await QemuHost.ProbeAsync(lab.Options(), TestContext.Current.CancellationToken);
    }

    private static async Task<IReadOnlyList<string>> RunOnceAsync(
        Action<CrashSeam> arm, QemuHost host, Func<QemuLab, QemuBackend, Task<InstanceId?>> prepare, Func<QemuLab, QemuBackend, InstanceId?, Task> work, Func<QemuLab, QemuBackend, InstanceId?, bool, Task> check)
    {
        var seam = new CrashSeam();
        await using var lab = await QemuLab.CreateAsync();
        var doomed = await lab.ConnectAsync(null, seam, host);
        var id = await prepare(lab, doomed);
        arm(seam);
        bool finished = true;
        try
        {
            await work(lab, doomed, id);
        }
        catch (CrashException)
        {
            finished = false;
        }

        var effects = seam.Effects;
        seam.Crash();
        await lab.AbandonAsync(doomed);

        var next = await lab.ConnectAsync(null, null, host);
        await check(lab, next, id, finished);
        await AssertNothingOrphanedAsync(lab, next);
        return effects;
    }
}
