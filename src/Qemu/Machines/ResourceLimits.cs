using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Holds QEMU processes to their CPUs and memory by control groups: version 2 where its controllers can be had, else version 1. The limits leave room for QEMU itself, so that they stop a process that has gone wrong and
/// never a guest that uses what it was given.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class ResourceLimits
{
    private const string Parent = "hypervisor-sdk";

    /// <summary>QEMU's own memory beside the guest's: code, device models, the screen, buffers in flight.</summary>
    private const long OwnMemoryBytes = 512L << 20;

    private const long PeriodMicroseconds = 100_000;

    private readonly string? _memory;
    private readonly string? _cpu;
    private readonly bool _isVersion2;

    private ResourceLimits(string? memory, string? cpu, bool isVersion2, string? problem)
    {
        _memory = memory;
        _cpu = cpu;
        _isVersion2 = isVersion2;
        Problem = problem;
    }

    /// <summary>Why nothing is limited; null when it is.</summary>
    public string? Problem { get; }

    /// <summary>Finds out what can be limited here.</summary>
    /// <param name="wanted">Whether anything is to be limited.</param>
    /// <param name="root">Where the control groups are.</param>
    public static ResourceLimits Probe(bool wanted, string root = "/sys/fs/cgroup")
    {
        if (!wanted)
            return new(null, null, false, "The options say not to limit.");
        try
        {
            if (File.Exists($"{root}/cgroup.controllers"))
            {
                string[] controllers = File.ReadAllText($"{root}/cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
                if (!controllers.Contains("memory") || !controllers.Contains("cpu"))
                    return new(null, null, true, "The control groups of this host have no memory and cpu controllers for us.");
                File.WriteAllText($"{root}/cgroup.subtree_control", "+memory +cpu");
                Directory.CreateDirectory($"{root}/{Parent}");
                File.WriteAllText($"{root}/{Parent}/cgroup.subtree_control", "+memory +cpu");
                TryChild($"{root}/{Parent}");
                return new($"{root}/{Parent}", $"{root}/{Parent}", true, null);
            }

            string memory = $"{root}/memory/{Parent}";
            string cpu = $"{root}/cpu/{Parent}";
            if (!Directory.Exists($"{root}/memory") || !Directory.Exists($"{root}/cpu"))
                return new(null, null, false, "This host has no control groups for memory and cpu.");
            Directory.CreateDirectory(memory);
            Directory.CreateDirectory(cpu);
            TryChild(memory);
            TryChild(cpu);
            return new(memory, cpu, false, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(null, null, false, $"Control groups cannot be made here: {error.Message}");
        }
    }

    /// <summary>Puts a process into the groups of its machine and sets the limits; with no process, sets the limits of the groups that there are.</summary>
    public void Apply(MachineConfig config, int? pid)
    {
        if (Problem is not null)
            return;
        long memoryBytes = config.MemoryBytes + (config.Machine.TranslationCache?.Bytes ?? (256L << 20)) + OwnMemoryBytes;
        long quota = (config.Cpus + 1) * PeriodMicroseconds;
        foreach (string group in Groups(config.Id))
        {
            if (pid is not null)
                Directory.CreateDirectory(group);
            else if (!Directory.Exists(group))
                return;
        }

        if (_isVersion2)
        {
            Write(_memory!, config.Id, "memory.max", Text(memoryBytes));
            Write(_cpu!, config.Id, "cpu.max", string.Create(CultureInfo.InvariantCulture, $"{quota} {PeriodMicroseconds}"));
        }
        else
        {
            Write(_memory!, config.Id, "memory.limit_in_bytes", Text(memoryBytes));
            Write(_cpu!, config.Id, "cpu.cfs_period_us", Text(PeriodMicroseconds));
            Write(_cpu!, config.Id, "cpu.cfs_quota_us", Text(quota));
        }

        if (pid is not { } process)
            return;
        foreach (string group in Groups(config.Id))
            File.WriteAllText($"{group}/cgroup.procs", Text(process));
    }

    /// <summary>Removes the groups of a machine whose process has ended.</summary>
    public void Remove(string id)
    {
        foreach (string group in Groups(id).Where(Directory.Exists))
        {
            try
            {
                Directory.Delete(group);
            }
            catch (IOException)
            {
                // The kernel still counts something to it, a zombie for example; an empty group costs nothing, and the next start uses it again.
                return;
            }
        }
    }

    /// <summary>Makes a group where those of machines will be, and removes it. That their parent is there says nothing: another user may have made it.</summary>
    private static void TryChild(string parent)
    {
        string child = $"{parent}/probe-{Guid.NewGuid():N}";
        Directory.CreateDirectory(child);
        Directory.Delete(child);
    }

    private IEnumerable<string> Groups(string id) => new[] { _memory, _cpu }.OfType<string>().Distinct().Select(parent => $"{parent}/{id}");

    private static void Write(string parent, string id, string file, string text) => File.WriteAllText($"{parent}/{id}/{file}", text);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
