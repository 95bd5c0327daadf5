using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>What names a backend accepts in requests, so that a bad one is refused before anything is sent.</summary>
public sealed class NamingRules
{
    private readonly string _allowedCharacters = "a-z0-9-";
    private readonly string _allowedFirstCharacters = "a-z0-9";
    private SearchValues<char> _allowed = Expand("a-z0-9-");
    private SearchValues<char> _allowedFirst = Expand("a-z0-9");

    /// <summary>The longest name, in characters. Default 63.</summary>
    public int MaxLength { get; init; } = 63;

    /// <summary>Whether <c>Web</c> and <c>web</c> are two names. Default false.</summary>
    public bool CaseSensitive { get; init; }

    /// <summary>The characters of a name: single ones and ranges; a hyphen stands last. Default <c>a-z0-9-</c>.</summary>
    public string AllowedCharacters
    {
        get => _allowedCharacters;
        init
        {
            _allowed = Expand(value);
            _allowedCharacters = value;
        }
    }

    /// <summary>The characters that a name may begin with, written likewise. Default <c>a-z0-9</c>.</summary>
    public string AllowedFirstCharacters
    {
        get => _allowedFirstCharacters;
        init
        {
            _allowedFirst = Expand(value);
            _allowedFirstCharacters = value;
        }
    }

    /// <summary>Says whether a name is acceptable, and if not, why.</summary>
    /// <param name="name">The name as a caller gave it.</param>
    /// <param name="problem">A sentence that names the value and the rule; null when there is none.</param>
    public bool Accepts(string name, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(name);
        problem = name switch
        {
            "" => "The name is empty.",
            _ when name.Length > MaxLength => $"The name '{TextRules.Echo(name)}' is longer than {MaxLength} characters.",
            _ when !_allowedFirst.Contains(name[0]) => $"The name '{TextRules.Echo(name)}' begins with a character other than {AllowedFirstCharacters}.",
            _ when name.AsSpan().ContainsAnyExcept(_allowed) => $"The name '{TextRules.Echo(name)}' contains a character other than {AllowedCharacters}.",
            _ => null,
        };
        return problem is null;
    }

    private static SearchValues<char> Expand(string ranges)
    {
        ArgumentException.ThrowIfNullOrEmpty(ranges);
        var characters = new HashSet<char>();
        for (int i = 0; i < ranges.Length; i++)
        {
            bool isRange = i + 2 < ranges.Length && ranges[i + 1] == '-';
            char last = isRange ? ranges[i + 2] : ranges[i];
            if (last < ranges[i])
                throw new ArgumentException($"'{ranges}' contains a range that ends before it begins.", nameof(ranges));
            for (int c = ranges[i]; c <= last; c++)
                characters.Add((char)c);
            i += isRange ? 2 : 0;
        }

        return SearchValues.Create([.. characters]);
    }
}
