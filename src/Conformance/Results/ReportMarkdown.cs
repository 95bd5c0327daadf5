using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Conformance;

/// <summary>Reports as Markdown.</summary>
internal static class ReportMarkdown
{
    /// <summary>A page of one report.</summary>
    public static string Write(ConformanceReport report)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"# Conformance of {Escape(report.Target)}\n\nDriver `{report.Kind}`, server {Escape(report.ServerVersion)}, seed {report.Seed}: ");
        page.Append(CultureInfo.InvariantCulture, $"{report.Count(CheckOutcome.Passed)} passed, {report.Count(CheckOutcome.Failed)} failed, {report.Count(CheckOutcome.Skipped)} skipped.\n\n| check | what it tests | | why |\n| --- | --- | --- | --- |\n");
        foreach (var result in report.Results)
            page.Append(CultureInfo.InvariantCulture, $"| {result.Id} | {Escape(result.Sentence)} | {Word(result)} | {Escape(result.Message ?? "")} |\n");
        return page.ToString();
    }

    /// <summary>One word for what came of a check.</summary>
    public static string Word(CheckResult result) => result.Outcome switch
    {
        CheckOutcome.Passed => "passed",
        CheckOutcome.Failed when result.IsMandatory => "**failed**",
        CheckOutcome.Failed => "failed",
        _ => "skipped",
    };

    /// <summary>A text that stays within its cell.</summary>
    public static string Escape(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
