namespace Hypervisor.Sdk.Conformance.Tool;

/// <summary>The page of the feature matrix, made from reports.</summary>
internal static class MatrixPage
{
    /// <summary>Writes it, or says whether it is what the reports say.</summary>
    public static int Write(DirectoryInfo reports, FileInfo page, bool onlyCheck, TextWriter output, TextWriter errors)
    {
        if (!reports.Exists)
        {
            errors.WriteLine($"There is no directory {reports.FullName}.");
            return ConformanceCommand.WrongUse;
        }

        var columns = reports.EnumerateFiles("*.json").OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => ConformanceReport.Parse(File.ReadAllText(file.FullName))).ToList();
        string text = FeatureMatrix.Write(columns);
        string before = page.Exists ? File.ReadAllText(page.FullName).ReplaceLineEndings("\n") : "";
        if (text == before)
            return ConformanceCommand.Conformant;
        if (!onlyCheck)
        {
            File.WriteAllText(page.FullName, text);
            output.WriteLine($"{page} changed: commit it.");
            return ConformanceCommand.Conformant;
        }

        errors.WriteLine($"{page} is not what the checks found. Run ./test as root on Debian and commit the page. The lines that differ:");
        foreach (string line in text.Split('\n').Except(before.Split('\n')))
            errors.WriteLine(line);
        return ConformanceCommand.NotConformant;
    }
}
