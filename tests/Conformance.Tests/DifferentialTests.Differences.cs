using System.IO.Enumeration;
using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <content>Where the two may differ.</content>
public sealed partial class DifferentialTests
{
    private const string OfTheHost = "What the host can do is not simulated.";

    private const string NoFirmware = "this host has no UEFI firmware*";

    private const string NoTpm = "A TPM needs the program 'swtpm', which is not on this host*";

    private const string OfTheDriver = "What only QEMU knows of a machine (QemuMachine) is not read by the simulation, whose machines all have a screen.";

    /// <summary>Every line in which the two differ, and why they may. A difference that is not here fails the test, and so does one here that occurs no more.</summary>
    private static readonly AllowedDifference[] s_allowed =
    [
        new("capabilities", "hardware-acceleration: No The options ask for TCG.", "hardware-acceleration: No Nothing is run here: it is a simulation.", "Neither accelerates; the reasons are not the same."),
        new("capabilities", "hardware-acceleration of a machine: No The options ask for TCG.", "hardware-acceleration of a machine: No Nothing is run here: it is a simulation.", "Neither accelerates; the reasons are not the same."),
        new("capabilities", "resource-limits: *", "resource-limits: No The driver does not know this capability.", OfTheHost),
        new("capabilities", "resource-limits of a machine: *", "resource-limits of a machine: No The driver does not know this capability.", OfTheHost),
        new("capabilities", "bridged-networks: *", "bridged-networks: No The driver does not know this capability.", OfTheHost),
        new("capabilities", "bridged-networks of a machine: *", "bridged-networks of a machine: No The driver does not know this capability.", OfTheHost),
        new("capabilities", "uefi-firmware: No " + NoFirmware, "uefi-firmware: Yes ", OfTheHost) { MayBeNone = true },
        new("capabilities", "uefi-firmware of a machine: No " + NoFirmware, "uefi-firmware of a machine: Yes ", OfTheHost) { MayBeNone = true },
        new("capabilities", "tpm: No " + NoTpm, "tpm: Yes ", OfTheHost) { MayBeNone = true },
        new("capabilities", "tpm of a machine: No " + NoTpm, "tpm of a machine: Yes ", OfTheHost) { MayBeNone = true },
        new("screens", "a screen of one without: unsupported*", "a screen of one without: done*", OfTheDriver),
    ];

    /// <summary>Which of the scenarios below shows each peculiarity of the simulated QEMU: only what is compared is no longer provisional.</summary>
    private static readonly (string Behaviour, string Scenario)[] s_shownBy =
    [
        ("A machine is stopping between", "sequences"),
        ("A network that has none of the forms", "networks"),
        ("A device, or memory that was plugged in,", "give-back"),
        ("CPUs and memory grow", "hotplug"),
        ("Changes of one machine wait", "locks"),
        ("A machine that runs is paused while its memory", "memory-snapshot"),
        ("A machine whose QEMU was killed", "crash"),
    ];

    [Fact]
    public void Every_peculiarity_of_the_simulated_QEMU_that_is_not_provisional_is_compared() =>
        Assert.Equal(
            s_shownBy.Select(shown => shown.Behaviour),
            SimulationPersonality.Qemu.Quirks.Where(quirk => !quirk.Provisional).Select(quirk => s_shownBy.Select(shown => shown.Behaviour).SingleOrDefault(begin => quirk.Behaviour.StartsWith(begin, StringComparison.Ordinal)) ?? quirk.Behaviour));

    private static void RequireSame(string scenario, IReadOnlyList<string> expected, IReadOnlyList<string> found) =>
        RequireSame(scenario, expected, found, [.. s_allowed.Where(difference => difference.Scenario == scenario)]);

    private static void RequireSame(string scenario, IReadOnlyList<string> expected, IReadOnlyList<string> found, IReadOnlyList<AllowedDifference> allowed)
    {
        var occurred = new HashSet<AllowedDifference>();
        var problems = new List<string>();
        for (int i = 0; i < Math.Min(expected.Count, found.Count); i++)
        {
            if (expected[i] == found[i])
                continue;
            if (allowed.FirstOrDefault(difference => difference.Covers(expected[i], found[i])) is { } known)
                occurred.Add(known);
            else
                problems.Add($"line {i + 1}\n    QEMU:       {expected[i]}\n    simulation: {found[i]}\n    after       {(i > 0 ? expected[i - 1] : "nothing")}");
        }

        if (expected.Count != found.Count)
            problems.Add($"one has more lines: QEMU {expected.Count}, the simulation {found.Count}");
        problems.AddRange(allowed.Where(difference => !difference.MayBeNone).Except(occurred).Select(difference => $"a difference that is allowed is none any more; take it from the list: {difference.Qemu}"));
        Assert.True(problems.Count == 0, $"In {scenario} the two differ:\n{string.Join("\n", problems)}");
    }

    /// <summary>A line in which the two may differ; an asterisk stands for anything.</summary>
    private sealed record AllowedDifference(string Scenario, string Qemu, string Simulation, string Why)
    {
        /// <summary>Whether it depends on the host, and is none on some.</summary>
        public bool MayBeNone { get; init; }

        public bool Covers(string expected, string found) => FileSystemName.MatchesSimpleExpression(Qemu, expected, ignoreCase: false) && FileSystemName.MatchesSimpleExpression(Simulation, found, ignoreCase: false);
    }
}
