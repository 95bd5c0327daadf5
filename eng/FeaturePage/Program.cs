// Writes docs/features.md from the features and from what the tests that carry their ids did.
//   FeaturePage FEATURES.TSV RESULTS-DIRECTORY PAGE [--check]
// What the tests of a part did when they were run again (PART.again.xml) stands for what they did before.
// With --check it writes nothing and ends with 1 where the page would change. It ends with 2 where a test carries an id that no feature has.
using Hypervisor.Sdk.FeaturePage;

if (args.Length is not (3 or 4) || (args.Length == 4 && args[3] != "--check"))
{
    Console.Error.WriteLine("usage: FeaturePage FEATURES.TSV RESULTS-DIRECTORY PAGE [--check]");
    return 64;
}

var features = Feature.ReadAll(File.ReadLines(args[0]));
var reports = Directory.EnumerateFiles(args[1], "*.xml").ToLookup(path => path.EndsWith(".again.xml", StringComparison.Ordinal));
var tests = TestOutcome.Latest(reports[false].SelectMany(TestOutcome.ReadAll), reports[true].SelectMany(TestOutcome.ReadAll));
var page = new Page(features, tests);
if (page.UnknownIds.Count > 0)
{
    foreach (var (id, test) in page.UnknownIds)
        Console.Error.WriteLine($"{test} carries the feature id '{id}', which {args[0]} does not have.");
    return 2;
}

string text = page.Write();
string before = File.Exists(args[2]) ? File.ReadAllText(args[2]).ReplaceLineEndings("\n") : "";
if (text == before)
    return 0;
if (args.Length == 4)
{
    Console.Error.WriteLine($"{args[2]} is not what the tests show. Run ./test as root on Debian and commit the page. The rows that differ:");
    foreach (string line in text.Split('\n').Except(before.Split('\n')))
        Console.Error.WriteLine(line);
    return 1;
}

File.WriteAllText(args[2], text);
Console.WriteLine($"{args[2]} changed: commit it.");
return 0;
