using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Conformance;

/// <summary>What each driver was shown to do: one row a check, one column a report.</summary>
public static class FeatureMatrix
{
    private const string Introduction = """
        # Feature matrix

        Made from what the conformance kit found on each backend, and by nothing else: each row is a sentence of the contract, and the check of that name tests it. `yes`: the driver keeps it. `**no**`: it does not.
        A number: it was not found out, for the reason of that number below. Checks marked `*` boot guests or move much data, and run with `./test --full` only.

        """;

    private static readonly Dictionary<string, string> s_families = new(StringComparer.Ordinal)
    {
        ["CONN"] = "Backends",
        ["DISP"] = "The end of a client",
        ["LIFE"] = "The life of an instance",
        ["STATE"] = "Every operation in every state",
        ["REQ"] = "Requests and their identity",
        ["DEAD"] = "Deadlines",
        ["CANC"] = "Cancelling",
        ["OPS"] = "Operations",
        ["LIST"] = "Lists",
        ["NAME"] = "Names",
        ["EVT"] = "Events",
        ["PLAN"] = "Plans",
        ["REV"] = "Revisions",
        ["ERR"] = "Refusals",
        ["DISK"] = "What becomes of disks",
        ["PAR"] = "Many at once",
        ["RECO"] = "Lost connections",
        ["SNAP"] = "Snapshots",
        ["CLON"] = "Clones",
        ["TMPL"] = "Templates",
        ["FEAT"] = "Further features",
        ["STOR"] = "Volumes and pools",
        ["STRM"] = "Content of volumes",
        ["CAP"] = "Honesty about capabilities",
        ["MODEL"] = "Generated sequences",
    };

    /// <summary>The page.</summary>
    /// <param name="reports">The columns, in their order.</param>
    public static string Write(IReadOnlyList<ConformanceReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        var page = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        var reasons = new List<string>();
        WriteSummary(page, reports);
        foreach (var family in ConformanceChecks.All.GroupBy(check => check.Family))
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {s_families.GetValueOrDefault(family.Key, family.Key)}\n\n| check | sentence |{string.Concat(reports.Select(report => $" {ReportMarkdown.Escape(report.Target)} |"))}\n");
            page.Append(CultureInfo.InvariantCulture, $"| --- | --- |{string.Concat(reports.Select(_ => " --- |"))}\n");
            foreach (var check in family)
            {
                page.Append(CultureInfo.InvariantCulture, $"| {check.Id}{(check.IsLong ? " *" : "")} | {ReportMarkdown.Escape(check.Sentence)} |");
                foreach (var report in reports)
                    page.Append(CultureInfo.InvariantCulture, $" {Cell(report.Results.FirstOrDefault(result => result.Id == check.Id), reasons)} |");
                page.Append('\n');
            }
        }

        page.Append("\n## Why something was not found out, or is not kept\n\n");
        for (int i = 0; i < reasons.Count; i++)
            page.Append(CultureInfo.InvariantCulture, $"{i + 1}. {ReportMarkdown.Escape(reasons[i])}\n");
        return page.ToString();
    }

    private static void WriteSummary(StringBuilder page, IReadOnlyList<ConformanceReport> reports)
    {
        page.Append("\n| backend | driver | keeps | does not keep | not found out |\n| --- | --- | --- | --- | --- |\n");
        foreach (var report in reports)
            page.Append(CultureInfo.InvariantCulture, $"| {ReportMarkdown.Escape(report.Target)} | `{report.Kind}` | {report.Count(CheckOutcome.Passed)} | {report.Count(CheckOutcome.Failed)} | {report.Count(CheckOutcome.Skipped)} |\n");
    }

    private static string Cell(CheckResult? result, List<string> reasons)
    {
        if (result is null)
            return "";
        if (result.Outcome == CheckOutcome.Passed)
            return "yes";
        string reason = result.Message ?? "No reason is written.";
        int number = reasons.IndexOf(reason);
        if (number < 0)
        {
            reasons.Add(reason);
            number = reasons.Count - 1;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(result.Outcome == CheckOutcome.Failed ? "**no** " : "")}{number + 1}");
    }
}
