using System.Globalization;
using Hypervisor.Sdk.Simulation.Machines;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Changes;

/// <summary>
/// Says what a change takes. Decides only. What no instance could be is refused with its field; what this instance cannot do now is a step with the reason.
/// </summary>
internal sealed partial class ChangePlanner
{
    private readonly World _world;
    private readonly SimInstance _instance;
    private readonly MachineReader _reader;
    private readonly List<ChangeStep> _steps = [];
    private InstanceConfig _config;

    private ChangePlanner(World world, SimInstance instance)
    {
        _world = world;
        _instance = instance;
        _reader = new MachineReader(world);
        _config = instance.Config;
    }

    private bool IsUp => _instance.IsUp;

    /// <summary>The steps of a change, in their order; none when everything is so already.</summary>
    /// <exception cref="HypervisorException">It names something that is not there (<see cref="ErrorCode.NotFound"/>), or a value that cannot be (<see cref="ErrorCode.InvalidArgument"/>, <see cref="ErrorCode.Unsupported"/>).</exception>
    public static IReadOnlyList<ChangeStep> Plan(World world, SimInstance instance, InstanceChange change)
    {
        var planner = new ChangePlanner(world, instance);
        planner.PlanTexts(change);
        planner.PlanSizing(change);
        planner.PlanMemoryTarget(change);
        planner.PlanLimits(change);
        if (change.RemoveCloudInit && planner._config.HasCloudInit)
            planner.Add(new ChangeStep { Property = "cloudInit", From = "given", Effects = ChangeEffects.Live | ChangeEffects.DestroysData, Impossible = instance.IsTemplate ? OfTemplate : null, Setting = static config => config with { HasCloudInit = false } });
        planner.PlanRemovals(change);
        planner.PlanResizes(change);
        planner.PlanDiskLimits(change);
        planner.PlanMedia(change);
        planner.PlanAdditions(change);
        planner.PlanMounts(change);
        return planner._steps;
    }

    private void Add(ChangeStep step)
    {
        _steps.Add(step);
        if (step.Impossible is null)
            _config = step.Setting(_config);
    }

    private void PlanTexts(InstanceChange change)
    {
        if (change.Name.IsSet && _reader.CheckName(change.Name.Value) is var name && name != _config.Name)
        {
            bool isTaken = !string.Equals(name, _config.Name, StringComparison.OrdinalIgnoreCase) && _world.IsNameTaken(name);
            Add(new ChangeStep
            {
                Property = "name",
                From = _config.Name,
                To = name,
                NewName = name,
                Impossible = isTaken ? $"There is an instance of the name '{name}' already." : IsUp && _world.Personality.Ids == SimulatedIds.Name ? "It must be stopped to be renamed: its name is its id." : null,
                Setting = config => config with { Name = name },
            });
        }

        if (change.Description.IsSet && _reader.CheckText(change.Description.Value, "description") is var text && text != _config.Description)
            Add(new ChangeStep { Property = "description", From = _config.Description, To = text, Setting = config => config with { Description = text } });
        PlanLabels(change.Labels);
    }

    private void PlanLabels(IDictionary<string, string?> wanted)
    {
        if (wanted.Count == 0)
            return;
        // What is not acceptable is refused also where it would change nothing.
        _reader.CheckLabels(wanted.Select(static label => KeyValuePair.Create(label.Key, label.Value ?? "")));
        var before = _config.Labels;
        var changed = wanted.Where(label => before.GetValueOrDefault(label.Key) != label.Value).OrderBy(static label => label.Key, StringComparer.Ordinal).ToList();
        if (changed.Count == 0)
            return;
        var after = _reader.CheckLabels(before.Where(label => !wanted.ContainsKey(label.Key)).Concat(wanted.Where(static label => label.Value is not null).Select(static label => KeyValuePair.Create(label.Key, label.Value!))));
        Add(new ChangeStep
        {
            Property = "labels",
            From = Text(changed.Select(label => KeyValuePair.Create(label.Key, before.GetValueOrDefault(label.Key)))),
            To = Text(changed),
            Setting = config => config with { Labels = after },
        });

        static string? Text(IEnumerable<KeyValuePair<string, string?>> labels) =>
            string.Join(", ", labels.Where(static label => label.Value is not null).Select(static label => $"{label.Key}={label.Value}")) is { Length: > 0 } text ? text : null;
    }

    private void PlanSizing(InstanceChange change)
    {
        if (!change.Sizing.IsSet)
            return;
        if (_config.Kind != InstanceKind.VirtualMachine)
            throw _world.Unsupported("sizing", "a size is for machines; a container has limits");
        var before = _config;
        var after = _reader.ApplySizing(before, change.Sizing.Value ?? throw _world.Invalid("sizing", "a machine has a size: say CPUs and memory"), "sizing");
        // A maximum that is not mentioned stays.
        after = after with { MaxCpus = after.MaxCpus ?? (before.MaxCpus >= after.Cpus ? before.MaxCpus : null), MaxMemoryBytes = after.MaxMemoryBytes ?? (before.MaxMemoryBytes >= after.MemoryBytes ? before.MaxMemoryBytes : null) };
        if (after.Cpus != before.Cpus || after.MaxCpus != before.MaxCpus)
        {
            // What waits for the next start is not what runs.
            bool live = _world.Personality.Can(Capability.HotplugCpu) && before.Cpus == _instance.HeldCpus && after.Cpus >= before.Cpus && after.Cpus <= (before.MaxCpus ?? before.Cpus) && after.MaxCpus == before.MaxCpus;
            Add(new ChangeStep
            {
                Property = "cpus",
                From = Cpus(before),
                To = Cpus(after),
                Effects = IsUp && !live ? ChangeEffects.AtNextStart : ChangeEffects.Live,
                HeldCpus = IsUp && live ? after.Cpus : null,
                Setting = config => config with { Cpus = after.Cpus, MaxCpus = after.MaxCpus },
            });
        }

        if (after.MemoryBytes != before.MemoryBytes || after.MaxMemoryBytes != before.MaxMemoryBytes)
        {
            if (!PlanLiveMemory(before, after))
            {
                Add(new ChangeStep
                {
                    Property = "memory",
                    From = Memory(before),
                    To = Memory(after),
                    Effects = IsUp ? ChangeEffects.AtNextStart : ChangeEffects.Live,
                    Setting = config => config with { MemoryBytes = after.MemoryBytes, MaxMemoryBytes = after.MaxMemoryBytes, MemoryPieces = [] },
                });
            }
        }

        static string Cpus(InstanceConfig config) => string.Create(CultureInfo.InvariantCulture, $"{config.Cpus}{(config.MaxCpus is { } most ? $" of at most {most}" : "")}");

        static string Memory(InstanceConfig config) => $"{new ByteSize(config.MemoryBytes)}{(config.MaxMemoryBytes is { } most ? $" of at most {new ByteSize(most)}" : "")}";
    }

    /// <summary>What the guest is asked to make do with. Where memory has come or gone, what it gives back is counted anew.</summary>
    private void PlanMemoryTarget(InstanceChange change)
    {
        long? wanted = change.MemoryTarget.IsSet ? change.MemoryTarget.Value?.Bytes : _config.MemoryTargetBytes;
        if (change.MemoryTarget.IsSet)
        {
            if (_config.Kind != InstanceKind.VirtualMachine || !_world.Personality.Can(SimulationPersonality.MemoryTarget))
                throw _world.Unsupported("memoryTarget", "this backend asks no guest to make do with less");
            if (wanted is { } bytes && (bytes < 1 << 20 || bytes > _config.MemoryBytes || bytes % (1 << 20) != 0))
                throw _world.Invalid("memoryTarget", $"1MiB to the machine's {new ByteSize(_config.MemoryBytes)}, in whole MiB");
        }

        if (wanted >= _config.MemoryBytes)
            wanted = null;
        if (wanted == _config.MemoryTargetBytes && (wanted is null || !_steps.Exists(static step => step.HeldBytes is not null)))
            return;
        Add(new ChangeStep
        {
            Property = "memoryTarget",
            From = _config.MemoryTargetBytes is { } before ? new ByteSize(before).ToString() : null,
            To = wanted is { } after ? new ByteSize(after).ToString() : null,
            // To get all of it back takes no guest that hears.
            GivenUp = IsUp && wanted is not null ? "memory" : null,
            Setting = config => config with { MemoryTargetBytes = wanted },
        });
    }

    /// <summary>More memory at once; or, where it goes in pieces, those that were plugged in back, the last first.</summary>
    private bool PlanLiveMemory(InstanceConfig before, InstanceConfig after)
    {
        long piece = _world.Personality.MemoryPieceBytes, difference = after.MemoryBytes - before.MemoryBytes;
        if (!IsUp || !_world.Personality.Can(Capability.HotplugMemory) || after.MaxMemoryBytes != before.MaxMemoryBytes || before.MemoryBytes != _instance.HeldMemoryBytes || difference % piece != 0)
            return false;
        if (difference > 0)
        {
            if (after.MemoryBytes > before.MaxMemoryBytes.GetValueOrDefault(before.MemoryBytes))
                return false;
            Add(Step(difference, piece > 1 ? [.. before.MemoryPieces, difference] : []));
            return true;
        }

        int going = 0;
        long left = -difference;
        for (; left > 0 && going < before.MemoryPieces.Count; going++)
            left -= before.MemoryPieces[^(going + 1)];
        if (left != 0)
            return false;
        for (int gone = 1; gone <= going; gone++)
            Add(Step(-before.MemoryPieces[^gone], [.. before.MemoryPieces.SkipLast(gone)]));
        return true;

        ChangeStep Step(long bytes, IReadOnlyList<long> pieces)
        {
            long memory = _config.MemoryBytes + bytes;
            return new ChangeStep
            {
                Property = "memory",
                From = new ByteSize(_config.MemoryBytes).ToString(),
                To = new ByteSize(memory).ToString(),
                HeldBytes = memory,
                GivenUp = bytes < 0 ? $"{new ByteSize(-bytes)} of memory" : null,
                Setting = config => config with { MemoryBytes = memory, MemoryPieces = pieces },
            };
        }
    }

    private void PlanLimits(InstanceChange change)
    {
        if (!change.CpuLimit.IsSet && !change.MemoryLimit.IsSet)
            return;
        if (_config.Kind == InstanceKind.VirtualMachine)
            throw _world.Unsupported(change.CpuLimit.IsSet ? "cpuLimit" : "memoryLimit", "limits are for containers; a machine has a size");
        if (change.CpuLimit.IsSet && change.CpuLimit.Value is var cpus && cpus != _config.CpuLimit)
        {
            if (cpus is <= 0 or double.NaN)
                throw _world.Invalid("cpuLimit", "a limit is more than 0");
            Add(new ChangeStep { Property = "cpuLimit", From = Number(_config.CpuLimit), To = Number(cpus), Setting = config => config with { CpuLimit = cpus } });
        }

        if (change.MemoryLimit.IsSet && change.MemoryLimit.Value?.Bytes is var memory && memory != _config.MemoryLimitBytes)
        {
            if (memory is 0)
                throw _world.Invalid("memoryLimit", "a limit is more than 0");
            Add(new ChangeStep { Property = "memoryLimit", From = Size(_config.MemoryLimitBytes), To = Size(memory), Setting = config => config with { MemoryLimitBytes = memory } });
        }

        static string? Number(double? value) => value?.ToString(CultureInfo.InvariantCulture);

        static string? Size(long? bytes) => bytes is { } some ? new ByteSize(some).ToString() : null;
    }
}
