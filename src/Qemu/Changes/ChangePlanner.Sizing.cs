using System.Globalization;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <content>CPUs and memory: one by one into a guest that runs where its QEMU has the places, else at the next start.</content>
internal sealed partial class ChangePlanner
{
    /// <summary>Linux takes memory in blocks of this size on all architectures here (CONFIG_SPARSEMEM_VMEMMAP, memory_block_size_bytes).</summary>
    private const long MemoryBlockBytes = 128L << 20;

    private void PlanSizing(InstanceChange change)
    {
        if (!change.Sizing.IsSet)
            return;
        var before = _config;
        var after = SpecReader.ApplySizing(before, change.Sizing.Value ?? throw SpecProblem.Invalid("sizing", "a machine has a size: say CPUs and memory"), "sizing");
        // A maximum that is not mentioned stays as long as it can be one.
        var size = (Sizing.Explicit)change.Sizing.Value;
        after = SpecReader.CheckLayout(after with
        {
            MaxCpus = size.MaxCpus ?? (before.MaxCpus >= after.Cpus ? before.MaxCpus : null),
            MaxMemoryBytes = size.MaxMemory?.Bytes ?? (before.MaxMemoryBytes >= after.MemoryBytes ? before.MaxMemoryBytes : null),
        });
        if ((after.Cpus != before.Cpus || after.MaxCpus != before.MaxCpus) && !PlanLiveCpus(before, after))
            Set("cpus", Cpus(before), Cpus(after), config => config with { Cpus = after.Cpus, MaxCpus = after.MaxCpus, PluggedCpus = [] }, needsStart: true);
        if ((after.MemoryBytes != before.MemoryBytes || after.MaxMemoryBytes != before.MaxMemoryBytes) && !PlanLiveMemory(before, after))
            Set("memory", Memory(before), Memory(after), config => config with { MemoryBytes = after.MemoryBytes, MaxMemoryBytes = after.MaxMemoryBytes, Dimms = [] }, needsStart: true);

        static string Cpus(MachineConfig config) => string.Create(CultureInfo.InvariantCulture, $"{config.Cpus}{(config.MaxCpus is { } most ? $" of at most {most}" : "")}");

        static string Memory(MachineConfig config) => $"{new ByteSize(config.MemoryBytes)}{(config.MaxMemoryBytes is { } most ? $" of at most {new ByteSize(most)}" : "")}";
    }

    /// <summary>A step for each CPU, so that after a crash each is there or not.</summary>
    private bool PlanLiveCpus(MachineConfig before, MachineConfig after)
    {
        if (_live is null || after.MaxCpus != before.MaxCpus || _live.Cpus.Count(cpu => cpu.IsThere) != before.Cpus || after.Cpus > _live.Cpus.Count)
            return false;
        bool grows = after.Cpus > before.Cpus;
        if (!grows && !_live.GivesUpCpus)
            return false;
        var free = _live.Cpus.Select((cpu, index) => (cpu, index)).Where(place => !place.cpu.IsThere);
        // Those that it was started with cannot be taken from it; the last that came goes first.
        var moving = grows
            ? free.Select(place => new PluggedCpu { Id = string.Create(CultureInfo.InvariantCulture, $"hv-cpu{place.index}"), Place = place.cpu.Place }).Take(after.Cpus - before.Cpus).ToList()
            : before.PluggedCpus.Reverse().Where(cpu => _live.Devices.Contains(cpu.Id)).Take(before.Cpus - after.Cpus).ToList();
        if (moving.Count != Math.Abs(after.Cpus - before.Cpus) || !_live.Cpus.All(cpu => cpu.Type.EndsWith(MachineArguments.CpuDriverSuffix, StringComparison.Ordinal)))
            return false;
        foreach (var cpu in moving)
        {
            Add(new ChangeStep
            {
                Kind = grows ? StepKind.PlugCpu : StepKind.UnplugCpu,
                Property = "cpus",
                From = Text(_config.Cpus),
                To = Text(_config.Cpus + (grows ? 1 : -1)),
                Effects = ChangeEffects.Live,
                ByQemu = true,
                Cpu = cpu,
            });
        }

        return true;

        static string Text(int count) => count.ToString(CultureInfo.InvariantCulture);
    }

    private bool PlanLiveMemory(MachineConfig before, MachineConfig after)
    {
        long difference = after.MemoryBytes - before.MemoryBytes;
        if (_live is null || after.MaxMemoryBytes != before.MaxMemoryBytes || _live.MemoryBytes != before.MemoryBytes || difference % MemoryBlockBytes != 0 || difference == 0)
            return false;
        if (difference > 0)
        {
            if (after.MemoryBytes > _live.MaxMemoryBytes || before.Dimms.Count == MachineArguments.MemorySlots)
                return false;
            string id = Enumerable.Range(0, int.MaxValue).Select(number => string.Create(CultureInfo.InvariantCulture, $"hv-dimm{number}")).First(free => !_live.Devices.Contains(free) && before.Dimms.All(dimm => dimm.Id != free));
            AddMemory(StepKind.PlugMemory, new DimmConfig { Id = id, SizeBytes = difference });
            return true;
        }

        // What was plugged in goes in whole pieces, the last first.
        var going = new List<DimmConfig>();
        foreach (var dimm in before.Dimms.Reverse().TakeWhile(_ => going.Sum(gone => gone.SizeBytes) < -difference))
            going.Add(dimm);
        if (going.Sum(dimm => dimm.SizeBytes) != -difference || !going.All(dimm => _live.Devices.Contains(dimm.Id)))
            return false;
        foreach (var dimm in going)
            AddMemory(StepKind.UnplugMemory, dimm);
        return true;
    }

    /// <summary>What the guest is to make do with. Where memory has come or gone, what it gives back is counted anew.</summary>
    private void PlanMemoryTarget(InstanceChange change)
    {
        long? wanted = change.MemoryTarget.IsSet ? change.MemoryTarget.Value?.Bytes : _config.MemoryTargetBytes;
        if (change.MemoryTarget.IsSet)
        {
            if (wanted is { } bytes && (bytes < SpecReader.LeastMemory.Bytes || bytes > _config.MemoryBytes || bytes % (1 << 20) != 0))
                throw SpecProblem.Invalid("memoryTarget", $"{SpecReader.LeastMemory} to the machine's {new ByteSize(_config.MemoryBytes)}, in whole MiB");
            if (!_config.EffectivePlatform.HasExtras)
                throw SpecProblem.Unsupported("memoryTarget", $"{_config.EffectivePlatform.Name} machines have no balloon here");
        }

        if (wanted >= _config.MemoryBytes)
            wanted = null;
        bool hasMoved = _steps.Exists(step => step.Kind is StepKind.PlugMemory or StepKind.UnplugMemory);
        if (wanted == _config.MemoryTargetBytes && (wanted is null || !hasMoved))
            return;
        Add(new ChangeStep
        {
            Kind = StepKind.Balloon,
            Property = "memoryTarget",
            From = Text(_config.MemoryTargetBytes),
            To = Text(wanted),
            Effects = ChangeEffects.Live,
            ByQemu = _live?.Devices.Contains(MemoryBalloon.Device) ?? false,
            TargetBytes = wanted,
        });

        static string? Text(long? bytes) => bytes is { } known ? new ByteSize(known).ToString() : null;
    }

    private void AddMemory(StepKind kind, DimmConfig dimm) => Add(new ChangeStep
    {
        Kind = kind,
        Property = "memory",
        From = new ByteSize(_config.MemoryBytes).ToString(),
        To = new ByteSize(_config.MemoryBytes + (kind == StepKind.PlugMemory ? dimm.SizeBytes : -dimm.SizeBytes)).ToString(),
        Effects = ChangeEffects.Live,
        ByQemu = true,
        Dimm = dimm,
    });
}
