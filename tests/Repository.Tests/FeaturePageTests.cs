using System.Xml.Linq;
using Hypervisor.Sdk.FeaturePage;

namespace Hypervisor.Sdk.Repository.Tests;

/// <summary>docs/features.md says what the tests showed, and nothing else can make it say more.</summary>
public sealed class FeaturePageTests
{
    private static readonly Feature[] Features = [new("AAA-01", "First", "One"), new("AAA-02", "First", "Two"), new("AAA-03", "First", "A|B"), new("BBB-01", "Second", "Four")];

    [Fact]
    public void Every_feature_has_one_row_and_every_row_an_id_of_its_area()
    {
        var features = Feature.ReadAll(File.ReadLines(Checkout.PathOf("eng", "features", "features.tsv")));
        Assert.Equal(536, features.Count);
        Assert.Equal(29, features.Select(feature => feature.Prefix).Distinct().Count());
        string page = new Page(features, []).Write();
        Assert.All(features, feature => Assert.Single(page.Split('\n'), line => line.StartsWith($"| {feature.Id} |", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_row_is_proven_only_when_every_test_that_carries_it_passed()
    {
        var page = new Page(Features, [Test("T.Good", TestState.Passed, "AAA-01"), Test("T.Bad", TestState.Failed, "AAA-02"), Test("T.Also_good", TestState.Passed, "AAA-02"),
            new("T.Away", TestState.Skipped, "no\npeer | here", ["AAA-03"])]);
        string text = page.Write();
        Assert.Contains("| AAA-01 | One | proven by `T.Good` |\n", text, StringComparison.Ordinal);
        Assert.Contains("| AAA-02 | Two | failing: `T.Bad` |\n", text, StringComparison.Ordinal);
        Assert.Contains("| AAA-03 | A\\|B | built but unproven, because no peer \\| here: `T.Away` |\n", text, StringComparison.Ordinal);
        Assert.Contains("| BBB-01 | Four | open |\n", text, StringComparison.Ordinal);
        Assert.Contains("| [AAA First](#aaa) | 3 | 1 | 1 | 1 | 0 |\n", text, StringComparison.Ordinal);
        Assert.Contains("| all | 4 | 1 | 1 | 1 | 1 |\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_names_three_tests_and_counts_the_rest_in_an_order_that_does_not_depend_on_the_run()
    {
        TestOutcome[] tests = [.. new[] { "T.E", "T.B", "T.D", "T.A" }.Select(name => Test(name, TestState.Passed, "AAA-01"))];
        string text = new Page(Features, tests).Write();
        Assert.Contains("proven by `T.A`, `T.B`, `T.D` and 1 more |", text, StringComparison.Ordinal);
        Assert.Equal(text, new Page(Features, tests.Reverse()).Write());
    }

    [Fact]
    public void An_id_that_no_feature_has_is_found() =>
        Assert.Equal(("CCC-01", "T.Odd"), Assert.Single(new Page(Features, [Test("T.Odd", TestState.Passed, "CCC-01")]).UnknownIds));

    [Fact]
    public void A_report_is_read_by_method_and_its_worst_case_counts()
    {
        var report = XDocument.Parse("""
            <assemblies><assembly><collection>
              <test name="a(1)" type="T" method="A" result="Pass"><traits><trait name="Feature" value="AAA-01" /><trait name="Speed" value="slow" /></traits></test>
              <test name="a(2)" type="T" method="A" result="Skip"><traits><trait name="Feature" value="AAA-01" /></traits><reason><![CDATA[no peer]]></reason></test>
              <test name="b" type="T" method="B" result="Fail"><traits /></test>
            </collection></assembly></assemblies>
            """);
        Assert.Collection(TestOutcome.ReadAll(report),
            a => Assert.Equal(("T.A", TestState.Skipped, "no peer", "AAA-01"), (a.Name, a.State, a.SkipReason, Assert.Single(a.FeatureIds))),
            b => Assert.Equal(("T.B", TestState.Failed, 0), (b.Name, b.State, b.FeatureIds.Count)));
    }

    [Fact]
    public void A_test_that_was_run_again_did_what_it_did_then()
    {
        var latest = TestOutcome.Latest([Test("T.A", TestState.Failed, "AAA-01"), Test("T.B", TestState.Passed, "AAA-01"), Test("T.C", TestState.Failed)], [Test("T.A", TestState.Passed, "AAA-01"), Test("T.C", TestState.Failed)]);
        Assert.Equal([("T.A", TestState.Passed), ("T.B", TestState.Passed), ("T.C", TestState.Failed)], latest.Select(test => (test.Name, test.State)).Order());
    }

    private static TestOutcome Test(string name, TestState state, params string[] ids) => new(name, state, null, ids);
}
