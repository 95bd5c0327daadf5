using System.Runtime.CompilerServices;
using System.Text;
using Xunit;

namespace Hypervisor.Sdk.Testing;

/// <summary>
/// Compares text with a committed file and fails with the differing lines. <c>HVSDK_APPROVE=1</c> writes the file instead, to be reviewed as part of the change.
/// </summary>
public static class ApprovedFile
{
    /// <summary>Compares <paramref name="actual"/> with <paramref name="relativePath"/>, which is relative to the caller's source file.</summary>
    public static void Verify(string actual, string relativePath, [CallerFilePath] string callerPath = "") =>
        VerifyAt(actual, Path.Combine(Path.GetDirectoryName(callerPath)!, relativePath));

    /// <summary>Compares <paramref name="actual"/> with the file at <paramref name="path"/>.</summary>
    public static void VerifyAt(string actual, string path)
    {
        actual = actual.ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable("HVSDK_APPROVE") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }

        string approved = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        if (approved != actual)
            Assert.Fail($"{path} is not what the code says now. Review the difference, then run the tests with HVSDK_APPROVE=1.\n{Difference(approved, actual)}");
    }

    private static string Difference(string approved, string actual)
    {
        var before = approved.Split('\n');
        var after = actual.Split('\n');
        var removed = new HashSet<string>(before, StringComparer.Ordinal);
        var added = new HashSet<string>(after, StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach (string line in before.Where(line => !added.Contains(line)).Take(40))
            text.Append("- ").AppendLine(line);
        foreach (string line in after.Where(line => !removed.Contains(line)).Take(40))
            text.Append("+ ").AppendLine(line);
        return text.Length > 0 ? text.ToString() : "The same lines in another order, or other white space.";
    }
}
