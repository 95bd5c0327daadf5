using System.Globalization;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Faults;

/// <summary>The fault of a line <c>plan</c>, read back and checked; what is wrong is said with its value.</summary>
internal sealed class FaultText
{
    private static readonly string[] s_times = ["at", "after", "every"];

    private readonly Dictionary<string, string> _settings = new(StringComparer.Ordinal);
    private readonly string _kind;
    private readonly string _subject;

    private FaultText(string kind, string subject) => (_kind, _subject) = (kind, subject);

    /// <summary>Reads a line.</summary>
    /// <exception cref="FormatException">It says no fault.</exception>
    public static FaultText Read(string subject, string details)
    {
        string[] words = details.Split(' ');
        var text = new FaultText(words[0], subject);
        foreach (string word in words.Skip(1))
        {
            string[] pair = word.Split('=', 2);
            if (pair.Length < 2 || !(pair[0] is "amount" or "for" or "chance" || s_times.Contains(pair[0])) || !text._settings.TryAdd(pair[0], pair[1]))
                throw new FormatException($"'{word}' is no setting of a fault, or is there twice: amount=, chance=, for=, and one of at=, after=, every=");
        }

        if (s_times.Count(text._settings.ContainsKey) != 1)
            throw new FormatException($"'{details}' must have one of at=, after=, every=");
        return text;
    }

    /// <summary>Plans the fault.</summary>
    /// <exception cref="FormatException">There is no such fault, or nothing that it could befall, or a value is none that it can have.</exception>
    public void Plan(SimulationFaults faults, World world)
    {
        RefuseMissing(world);
        double amount = Amount();
        var fault = faults.Schedule(_kind, _subject, amount).WithChance(Chance(Setting("chance")));
        var duration = Ticks(Setting("for"));
        if (duration < TimeSpan.Zero)
            throw new FormatException($"for={duration.Ticks} is negative");
        if (duration > TimeSpan.Zero)
            fault.For(duration);
        if (_settings.TryGetValue("at", out string? at))
        {
            fault.At(Ticks(at));
        }
        else if (_settings.TryGetValue("after", out string? after))
        {
            fault.After(Ticks(after));
        }
        else
        {
            var interval = Ticks(_settings["every"]);
            fault.Every(interval > TimeSpan.Zero ? interval : throw new FormatException($"every={interval.Ticks} is not more than zero"));
        }
    }

    /// <summary>Reads a chance.</summary>
    public static double Chance(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double chance) && chance is >= 0 and <= 1 ? chance : throw new FormatException($"the chance '{text}' is not from 0 to 1");

    /// <summary>Reads a time.</summary>
    public static TimeSpan Ticks(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long ticks) ? new TimeSpan(ticks) : throw new FormatException($"'{text}' is no number of ticks");

    private double Amount()
    {
        string text = Setting("amount");
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double amount) || !double.IsFinite(amount))
            throw new FormatException($"the amount '{text}' is no number");
        if (_kind == FaultKind.SlowPool && amount < 1)
            throw new FormatException($"amount={text}: a slow pool is 1 or more times slower");
        return amount;
    }

    private string Setting(string name) => _settings.TryGetValue(name, out string? value) ? value : throw new FormatException($"the fault '{_kind}' of '{_subject}' has no {name}=");

    private void RefuseMissing(World world)
    {
        if (FaultKind.OfNodes.Contains(_kind))
        {
            if (!world.Nodes.ContainsKey(_subject))
                throw new FormatException($"there is no node '{_subject}'");
        }
        else if (FaultKind.OfPools.Contains(_kind))
        {
            if (!world.Pools.ContainsKey(_subject))
                throw new FormatException($"there is no pool '{_subject}'");
        }
        else if (FaultKind.OfInstances.Contains(_kind))
        {
            if (!world.Exists(InstanceId.Parse(_subject)))
                throw new FormatException($"there is no instance '{_subject}'");
        }
        else if (_kind == FaultKind.ReusedId)
        {
            InstanceId.Parse(_subject);
        }
        else if (_kind is not (FaultKind.Disconnect or FaultKind.ClockStep))
        {
            throw new FormatException($"'{_kind}' is no fault that is planned");
        }
    }
}
