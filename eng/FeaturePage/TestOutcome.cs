using System.Xml.Linq;

namespace Hypervisor.Sdk.FeaturePage;

/// <summary>What one test method did, all of its cases together.</summary>
/// <param name="Name">The full name of the method.</param>
/// <param name="State">The worst of its cases.</param>
/// <param name="SkipReason">Why it was skipped; null where it was not.</param>
/// <param name="FeatureIds">The ids that it carries.</param>
internal sealed record TestOutcome(string Name, TestState State, string? SkipReason, IReadOnlyList<string> FeatureIds)
{
    /// <summary>Reads a report of the test programs (xUnit's XML, version 2 and later).</summary>
    public static IEnumerable<TestOutcome> ReadAll(string path) => ReadAll(XDocument.Load(path));

    /// <inheritdoc cref="ReadAll(string)" />
    public static IEnumerable<TestOutcome> ReadAll(XDocument report) =>
        from test in report.Descendants("test")
        group test by $"{(string?)test.Attribute("type")}.{(string?)test.Attribute("method")}" into cases
        select new TestOutcome(
            cases.Key,
            cases.Max(StateOf),
            cases.Select(one => (string?)one.Element("reason")).FirstOrDefault(reason => reason is not null),
            [.. cases.Descendants("trait").Where(trait => (string?)trait.Attribute("name") == "Feature").Select(trait => (string)trait.Attribute("value")!)
                .Distinct(StringComparer.Ordinal)]);

    /// <summary>What the tests did the last time that they ran.</summary>
    public static IReadOnlyList<TestOutcome> Latest(IEnumerable<TestOutcome> first, IEnumerable<TestOutcome> again)
    {
        var latest = first.ToDictionary(test => test.Name, StringComparer.Ordinal);
        foreach (var test in again)
            latest[test.Name] = test;
        return [.. latest.Values];
    }

    private static TestState StateOf(XElement test) => (string?)test.Attribute("result") switch
    {
        "Pass" => TestState.Passed,
        "Skip" or "NotRun" => TestState.Skipped,
        _ => TestState.Failed,
    };
}
