using System.Text.Json.Serialization;
using Hypervisor.Sdk.Jobs.Snapshots;

namespace Hypervisor.Sdk.Jobs;

/// <summary>
/// The arguments of a job that takes a snapshot of an instance and deletes those of its own that are too many, the oldest first. Made to recur by <see cref="IJobs.ScheduleAsync"/>, daily or otherwise;
/// <see cref="ScheduledSnapshotExtensions.AddScheduledSnapshots"/> adds what does it.
/// </summary>
public sealed class ScheduledSnapshot
{
    private readonly string _prefix = "scheduled";
    private readonly int _keep = 7;

    /// <summary>Where the instance is, by the name of the backend in the application's <see cref="IBackendRegistry"/>.</summary>
    [JsonConverter(typeof(ParsedText<BackendName>))]
    public required BackendName Backend { get; init; }

    /// <summary>The instance.</summary>
    [JsonConverter(typeof(ParsedText<InstanceId>))]
    public required InstanceId Instance { get; init; }

    /// <summary>How many snapshots of this prefix are kept. 1 to 1,000; default 7.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less or more.</exception>
    public int Keep
    {
        get => _keep;
        init => _keep = value is >= 1 and <= 1000 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, $"{nameof(Keep)} is {value}; it is 1 to 1,000.");
    }

    /// <summary>
    /// What the names begin with; they go on with the moment in UTC, <c>scheduled-20260131-030000</c>. What is called otherwise is never deleted: schedules of one instance have prefixes of their own. 1 to 64 small letters,
    /// digits and hyphens, a letter first. Default <c>scheduled</c>.
    /// </summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public string Prefix
    {
        get => _prefix;
        init => _prefix = value is { Length: >= 1 and <= 64 } && char.IsAsciiLetterLower(value[0]) && value.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-') ? value
            : throw new ArgumentException($"{nameof(Prefix)} is '{value}'; it is 1 to 64 small letters, digits and hyphens, a letter first.", nameof(value));
    }

    /// <summary>Whether the memory of a running instance is kept too. Default false.</summary>
    public bool IncludeMemory { get; init; }

    /// <summary>Whether the guest is asked to bring its file systems to rest meanwhile; the job fails where it cannot be asked. Default false.</summary>
    public bool Quiesce { get; init; }
}
