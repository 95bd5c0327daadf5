using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Conformance.LifeCycle;

/// <summary>
/// What comes of each operation on an instance in each state: the contract, as data. The page docs/life-cycle.md has the same table, and the checks of the family STATE walk it.
/// A state that is only passed through (starting, stopping, unknown) has no row: what is called meanwhile waits or is refused as locked.
/// </summary>
internal static class LifeCycleTable
{
    /// <summary>The instance is as it was: the call succeeded, or there was nothing to do.</summary>
    public const string Stays = "stays";

    /// <summary>Refused for the state (<see cref="ErrorCode.InvalidState"/>, <see cref="RequestOutcome.Rejected"/>), and nothing has changed.</summary>
    public const string Refused = "refused";

    /// <summary>The instance is no more.</summary>
    public const string Gone = "gone";

    /// <summary>A template is stopped, and more than that.</summary>
    public const string Template = "template";

    /// <summary>What either of two backends may do has an "or" between.</summary>
    private const string Or = " or ";

    /// <summary>The columns: the states in which an instance rests.</summary>
    public static IReadOnlyList<string> States { get; } = ["stopped", "running", "paused", "suspended", "crashed", Template];

    /// <summary>The rows.</summary>
    public static IReadOnlyList<LifeCycleRow> Rows { get; } =
    [
        new(LifeCycleOperation.Start, "start", ["running", Stays, Refused, "running", "running", Refused]),
        new(LifeCycleOperation.Stop, "stop at once", [Stays, "stopped", "stopped", "stopped", "stopped", Stays]),
        new(LifeCycleOperation.StopInTime, "stop, with a grace period", [Stays, "stopped", "stopped", "stopped", "stopped", Stays]),
        new(LifeCycleOperation.Restart, "restart", ["running", "running", "running", "running", "running", Refused]),
        new(LifeCycleOperation.Reset, "reset", [Refused, Stays, Stays, Refused, "running or refused", Refused]),
        new(LifeCycleOperation.Pause, "pause", [Refused, "paused", Stays, Refused, Refused, Refused]),
        new(LifeCycleOperation.Resume, "resume", [Refused, Stays, "running", Refused, Refused, Refused]),
        new(LifeCycleOperation.Suspend, "suspend", [Refused, "suspended", "suspended or refused", Refused, Refused, Refused]),
        new(LifeCycleOperation.Delete, "delete", [Gone, Refused, Refused, Gone, "gone or refused", Gone]),
        new(LifeCycleOperation.StopAndDelete, "stop and delete", [Gone, Gone, Gone, Gone, Gone, Gone]),
        new(LifeCycleOperation.Change, "change the description", [Stays, Stays, Stays, Stays, Stays, Stays]),
        new(LifeCycleOperation.Snapshot, "take a snapshot", [Stays, Stays, Stays, "stays or refused", "stays or refused", Refused]),
        new(LifeCycleOperation.MemorySnapshot, "take a snapshot with memory", [Refused, Stays, Stays, Refused, "stays or refused", Refused]),
        new(LifeCycleOperation.Revert, "go back to a snapshot without memory", [Stays, "running", "running", "stopped", "stopped or running", Refused]),
        new(LifeCycleOperation.DeleteSnapshot, "delete a snapshot", [Stays, Stays, Stays, Stays, Stays, Refused]),
        new(LifeCycleOperation.Clone, "clone", [Stays, Refused, Refused, Refused, "stays or refused", Stays]),
        new(LifeCycleOperation.ToTemplate, "make a template of it", [Template, Refused, Refused, Refused, "template or refused", Stays]),
        new(LifeCycleOperation.ToInstance, "make an instance of it", [Stays, Stays, Stays, Stays, Stays, "stopped"]),
    ];

    /// <summary>Whether an operation is about running, or about what an instance is made of and what is made of it.</summary>
    public static bool IsPower(LifeCycleOperation operation) => operation <= LifeCycleOperation.StopAndDelete;

    /// <summary>What may come of an operation.</summary>
    public static string[] Cell(LifeCycleRow row, string state) => row.Cells[States.ToList().IndexOf(state)].Split(Or);

    /// <summary>A column in words.</summary>
    public static string Describe(string state, bool isPower) =>
        string.Join("; ", Rows.Where(row => IsPower(row.Operation) == isPower).GroupBy(row => string.Join(Or, Cell(row, state))).Select(group => $"{string.Join(", ", group.Select(row => row.Name.Replace(", ", " ", StringComparison.Ordinal)))}: {group.Key}"));

    /// <summary>The table of the page.</summary>
    public static string ToMarkdown()
    {
        var table = new StringBuilder();
        table.Append(CultureInfo.InvariantCulture, $"| |{string.Concat(States.Select(state => $" {state} |"))}\n| --- |{string.Concat(States.Select(_ => " --- |"))}\n");
        foreach (var row in Rows)
            table.Append(CultureInfo.InvariantCulture, $"| {row.Name} |{string.Concat(row.Cells.Select(cell => $" {cell} |"))}\n");
        return table.ToString();
    }
}
