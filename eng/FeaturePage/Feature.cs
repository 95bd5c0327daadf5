namespace Hypervisor.Sdk.FeaturePage;

/// <summary>One line of eng/features/features.tsv: what the suite is to deliver in the end.</summary>
/// <param name="Id">The id, for example <c>HOT-03</c>. What stands before the dash is the area's short name.</param>
/// <param name="Area">The area's long name.</param>
/// <param name="Sentence">What the feature is.</param>
internal sealed record Feature(string Id, string Area, string Sentence)
{
    /// <summary>The area's short name.</summary>
    public string Prefix => Id[..Id.IndexOf('-', StringComparison.Ordinal)];

    /// <summary>Reads the lines of the file, the first of which names the columns.</summary>
    /// <exception cref="FormatException">A line has not three columns, or an id comes twice.</exception>
    public static IReadOnlyList<Feature> ReadAll(IEnumerable<string> lines)
    {
        var features = new List<Feature>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (string line in lines.Skip(1))
        {
            if (line.Split('\t') is not [var id, var area, var sentence] || !id.Contains('-', StringComparison.Ordinal))
                throw new FormatException($"'{line}' is not id, area and sentence with tabs between them.");
            if (!ids.Add(id))
                throw new FormatException($"The feature {id} is there twice.");
            features.Add(new(id, area, sentence));
        }

        return features;
    }
}
