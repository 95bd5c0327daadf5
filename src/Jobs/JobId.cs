using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Which job: a UUID of version 7, so that ids sort by the time of their making.</summary>
public readonly record struct JobId
{
    private readonly Guid _value;

    private JobId(Guid value) => _value = value;

    /// <summary>True for <c>default</c>, which is no job.</summary>
    public bool IsDefault => _value == Guid.Empty;

    /// <summary>A new id.</summary>
    public static JobId New(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        return new(Guid.CreateVersion7(timeProvider.GetUtcNow()));
    }

    /// <summary>Reads an id as 8-4-4-4-12 hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out JobId id)
    {
        bool valid = Guid.TryParseExact(text, "D", out var value) && value != Guid.Empty;
        id = valid ? new(value) : default;
        return valid;
    }

    /// <summary>Reads an id as 8-4-4-4-12 hexadecimal digits.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static JobId Parse(string text) => TryParse(text, out var id) ? id : throw new FormatException("A job id is a UUID as 8-4-4-4-12 hexadecimal digits, not all zero.");

    /// <summary>The id as 8-4-4-4-12 hexadecimal digits; empty for <c>default</c>.</summary>
    public override string ToString() => IsDefault ? "" : _value.ToString("D");
}
