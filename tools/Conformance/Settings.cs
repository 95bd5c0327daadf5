namespace Hypervisor.Sdk.Conformance.Tool;

/// <summary>The driver's settings of the command line: NAME=VALUE each.</summary>
internal sealed class Settings
{
    private readonly Dictionary<string, string> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads them.</summary>
    /// <exception cref="ArgumentException">One is not NAME=VALUE.</exception>
    public static Settings Parse(IEnumerable<string> texts)
    {
        var settings = new Settings();
        foreach (string text in texts)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
                throw new ArgumentException($"'{text}' is not a setting: NAME=VALUE.");
            settings._values[text[..equals]] = text[(equals + 1)..];
        }

        return settings;
    }

    /// <summary>The value of a setting; null when it was not given.</summary>
    public string? Take(string name) => _values.Remove(name, out string? value) ? value : null;

    /// <summary>Refuses what nobody has taken.</summary>
    /// <exception cref="ArgumentException">There is one.</exception>
    public void RefuseRest()
    {
        if (_values.Count > 0)
            throw new ArgumentException($"The driver has no setting '{_values.Keys.First()}'. See --help.");
    }
}
