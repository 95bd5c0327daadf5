using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>
/// Says what a change takes: from the configuration, what QEMU has, and what was asked for. Decides only. What no machine could be is refused with its field; what this machine cannot do now is a step with the reason.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed partial class ChangePlanner
{
    private readonly LiveDevices? _live;
    private readonly PlanFacts _facts;
    private readonly List<ChangeStep> _steps = [];
    private MachineConfig _config;

    private ChangePlanner(MachineConfig config, LiveDevices? live, PlanFacts facts)
    {
        _config = DeviceSlots.Assign(config);
        _live = live;
        _facts = facts;
    }

    /// <summary>The steps of a change, in their order; none when everything is so already.</summary>
    /// <param name="config">The configuration now.</param>
    /// <param name="live">What its QEMU has; null when it does not run.</param>
    /// <param name="facts">The world.</param>
    /// <param name="change">What is asked for.</param>
    /// <exception cref="HypervisorException">It names something that is not there (<see cref="ErrorCode.NotFound"/>), or a value that cannot be (<see cref="ErrorCode.InvalidArgument"/>, <see cref="ErrorCode.Unsupported"/>).</exception>
    public static IReadOnlyList<ChangeStep> Plan(MachineConfig config, LiveDevices? live, PlanFacts facts, InstanceChange change)
    {
        var planner = new ChangePlanner(config, live, facts);
        planner.PlanTexts(change);
        planner.PlanSizing(change);
        planner.PlanMemoryTarget(change);
        planner.PlanMachine(change);
        planner.PlanSeed(change);
        planner.PlanRemovals(change);
        planner.PlanResizes(change);
        planner.PlanLimits(change);
        planner.PlanMedia(change);
        planner.PlanAdditions(change);
        return planner._steps;
    }

    private bool IsUp => _live is not null;

    private void Add(ChangeStep step)
    {
        _steps.Add(step);
        if (step.Impossible is null)
            _config = step.ApplyTo(_config);
    }

    private void Set(string property, string? from, string? to, Func<MachineConfig, MachineConfig> setting, bool needsStart = false) => Add(new ChangeStep
    {
        Kind = StepKind.Set,
        Property = property,
        From = from,
        To = to,
        Effects = needsStart && IsUp ? ChangeEffects.AtNextStart : ChangeEffects.Live,
        Setting = setting,
    });

    private void PlanTexts(InstanceChange change)
    {
        if (change.CpuLimit.IsSet || change.MemoryLimit.IsSet)
            throw SpecProblem.Unsupported(change.CpuLimit.IsSet ? "cpuLimit" : "memoryLimit", "limits are for containers; a machine has a size");
        if (change.AddMounts.Count > 0)
            throw SpecProblem.Unsupported("addMounts", "mounts are for containers; a machine has disks");
        if (change.Name.IsSet && _facts.ReadName(change.Name.Value) is var name && name != _config.Name)
        {
            Add(new ChangeStep
            {
                Kind = StepKind.Rename,
                Property = "name",
                From = _config.Name,
                To = name,
                Effects = ChangeEffects.Live,
                Impossible = _facts.IsNameTaken(name) ? $"There is a machine of the name '{name}' already." : null,
            });
        }

        if (change.Description.IsSet && SpecReader.CheckText(change.Description.Value, "description") is var text && text != _config.Description)
            Set("description", _config.Description, text, config => config with { Description = text });
        PlanLabels(change.Labels);
    }

    private void PlanLabels(IDictionary<string, string?> wanted)
    {
        var before = _config.Labels;
        var changed = wanted.Where(label => before.GetValueOrDefault(label.Key) != label.Value).OrderBy(label => label.Key, StringComparer.Ordinal).ToList();
        // What is not acceptable is refused also where it would change nothing.
        SpecReader.CheckLabels(wanted.Select(label => KeyValuePair.Create(label.Key, label.Value ?? "")));
        if (changed.Count == 0)
            return;
        var after = SpecReader.CheckLabels(before.Where(label => !wanted.ContainsKey(label.Key)).Concat(wanted.Where(label => label.Value is not null).Select(label => KeyValuePair.Create(label.Key, label.Value!))));
        Set(
            "labels", Text(changed.Select(label => KeyValuePair.Create(label.Key, before.GetValueOrDefault(label.Key)))), Text(changed), config => config with { Labels = after });

        static string? Text(IEnumerable<KeyValuePair<string, string?>> labels) =>
            string.Join(", ", labels.Where(label => label.Value is not null).Select(label => $"{label.Key}={label.Value}")) is { Length: > 0 } text ? text : null;
    }

    private void PlanMachine(InstanceChange change)
    {
        if (change.Extensions.All.Count == 0)
            return;
        var before = _config.Machine;
        var after = SpecReader.ReadMachine(change.Extensions, _config.EffectivePlatform);
        if (_config.Disks.Any(disk => disk.Bus == "usb"))
            after = after with { Usb = true };
        if (!change.Extensions.TryGet<QemuMachine>(out _) || after == before)
            return;
        bool moves = DeviceSlots.IsPcie(_config) != DeviceSlots.IsPcie(_config with { Machine = after });
        MachineConfig Setting(MachineConfig config) => moves ? DeviceSlots.AssignAnew(config with { Machine = after }) : config with { Machine = after };
        if (DeviceSlots.WhyFull(Setting(_config)) is { } full)
            throw SpecProblem.Invalid("extensions.qemu.type", $"'{after.Type}': {full.Problem}");
        Set("machine", Text(before), Text(after), Setting, needsStart: true);

        static string Text(QemuMachine machine) => string.Join(", ", new[]
        {
            machine.Type,
            machine.Graphics ? "a screen" : "no screen",
            machine.ScreenProtocol != "vnc" ? $"looked at by {machine.ScreenProtocol}" : null,
            machine.ScreenPassword ? "a password on the screen" : null,
            machine.SerialPorts > 1 ? string.Create(CultureInfo.InvariantCulture, $"{machine.SerialPorts} serial ports") : null,
            machine.Usb ? "USB" : null,
            machine.FreePageReporting ? "free pages reported" : null,
            machine.RandomDevice ? "a random device" : "no random device",
            machine.AgentChannel ? "an agent channel" : "no agent channel",
            machine.CopyImages ? "images copied" : "images linked",
            machine.TranslationCache is { } cache ? $"translation cache {cache}" : null,
        }.OfType<string>());
    }
}
