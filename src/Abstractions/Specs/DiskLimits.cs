using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>How fast a guest may use a disk: for both directions together, or for each. What is null is not limited.</summary>
public sealed record DiskLimits
{
    private const long Most = 1_000_000_000_000_000;

    /// <summary>Reading and writing together.</summary>
    public DiskRate? Total { get; init; }

    /// <summary>Reading alone. Not of the same measure as in <see cref="Total"/>.</summary>
    public DiskRate? Read { get; init; }

    /// <summary>Writing alone. Not of the same measure as in <see cref="Total"/>.</summary>
    public DiskRate? Write { get; init; }

    /// <summary>Whether the limits can be: numbers within their ranges, bursts not below their rates, no measure both in total and for a direction.</summary>
    /// <param name="member">Which member is wrong: <c>read.bytesPerSecond</c>; null when none is.</param>
    /// <param name="problem">What is wrong with it, and its value; null when nothing is.</param>
    public bool IsConsistent([NotNullWhen(false)] out string? member, [NotNullWhen(false)] out string? problem)
    {
        foreach (var (name, rate) in new[] { ("total", Total), ("read", Read), ("write", Write) })
        {
            if (rate is null)
                continue;
            (member, problem) = ProblemOf(rate);
            if (problem is not null)
            {
                member = $"{name}.{member}";
                return false;
            }

            if (name == "total" || Total is null)
                continue;
            if (rate.BytesPerSecond is not null && Total.BytesPerSecond is not null)
                return No($"{name}.bytesPerSecond", "bytes are limited in total already: in total, or for each direction", out member, out problem);
            if (rate.OperationsPerSecond is not null && Total.OperationsPerSecond is not null)
                return No($"{name}.operationsPerSecond", "requests are limited in total already: in total, or for each direction", out member, out problem);
        }

        (member, problem) = (null, null);
        return true;
    }

    /// <summary>For people: <c>total 10MiB/s, 100 requests/s; write 1MiB/s</c>.</summary>
    public override string ToString() => string.Join("; ", new[] { ("total", Total), ("read", Read), ("write", Write) }.Where(part => part.Item2?.ToString() is { Length: > 0 }).Select(part => $"{part.Item1} {part.Item2}"));

    private static (string? Member, string? Problem) ProblemOf(DiskRate rate)
    {
        (string Member, long? Value)[] numbers =
        [
            ("bytesPerSecond", rate.BytesPerSecond?.Bytes), ("operationsPerSecond", rate.OperationsPerSecond), ("burstBytesPerSecond", rate.BurstBytesPerSecond?.Bytes),
            ("burstOperationsPerSecond", rate.BurstOperationsPerSecond),
        ];
        if (numbers.FirstOrDefault(number => number.Value is < 1 or > Most) is { Value: { } value } wrong)
            return (wrong.Member, $"{value} a second is not a limit: 1 to {Most}");
        if (rate.BurstBytesPerSecond is { } bytes && !(bytes >= rate.BytesPerSecond))
            return ("burstBytesPerSecond", $"{bytes} a second is less than the rate, or there is none: a burst is above a rate");
        if (rate.BurstOperationsPerSecond is { } operations && !(operations >= rate.OperationsPerSecond))
            return ("burstOperationsPerSecond", $"{operations} a second are less than the rate, or there is none: a burst is above a rate");
        if (rate.BurstLength is { } length && (length < TimeSpan.FromSeconds(1) || length > TimeSpan.FromHours(1) || length.Ticks % TimeSpan.TicksPerSecond != 0))
            return ("burstLength", $"{length} is not the length of a burst: whole seconds, 1 s to 1 hour");
        return rate.BurstLength is not null && rate.BurstBytesPerSecond is null && rate.BurstOperationsPerSecond is null ? ("burstLength", "there is no burst of which it would be the length") : default;
    }

    private static bool No(string where, string why, out string member, out string problem)
    {
        (member, problem) = (where, why);
        return false;
    }
}
