using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Which jobs are asked for: <c>?state=&amp;type=&amp;machine=&amp;text=&amp;before=&amp;limit=</c>, each of them or none.</summary>
internal sealed class JobFilter
{
    /// <summary>The most jobs on a page.</summary>
    public const int MaxLimit = 200;

    private const int MaxTextChars = 256;
    private static readonly string[] s_states = [.. Enum.GetValues<JobState>().Select(state => JobRows.WordOf(state))];

    public JobState? State { get; private init; }

    public string? Type { get; private init; }

    /// <summary>The name, or id, of a machine that something is done to.</summary>
    public string? Machine { get; private init; }

    /// <summary>Words that are in its id, its type, what is said of it or why it failed.</summary>
    public string? Text { get; private init; }

    /// <summary>Only jobs made before this one: where the page before ended.</summary>
    public JobId Before { get; private init; }

    public int Limit { get; private init; }

    public static bool TryRead(IQueryCollection query, [NotNullWhen(true)] out JobFilter? filter, [NotNullWhen(false)] out string? problem)
    {
        filter = null;
        var (state, before, limit) = (Of("state"), Of("before"), Of("limit"));
        int index = state is null ? -1 : Array.IndexOf(s_states, state);
        var id = default(JobId);
        int most = MaxLimit;
        problem = state is not null && index < 0 ? $"The query parameter 'state' is none of {string.Join(", ", s_states)}."
            : before is not null && !JobId.TryParse(before, out id) ? "The query parameter 'before' is not the id of a job."
            : limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most is < 1 or > MaxLimit) ? $"The query parameter 'limit' is not a number from 1 to {MaxLimit}."
            : new[] { "type", "machine", "text" }.FirstOrDefault(name => Of(name)?.Length > MaxTextChars) is { } tooLong ? $"The query parameter '{tooLong}' has more than {MaxTextChars} characters."
            : null;
        if (problem is not null)
            return false;
        filter = new JobFilter { State = index < 0 ? null : Enum.GetValues<JobState>()[index], Type = Of("type"), Machine = Of("machine"), Text = Of("text"), Before = id, Limit = most };
        return true;

        string? Of(string name) => query[name].ToString() is { Length: > 0 } text ? text : null;
    }

    /// <summary>Whether a job of the state that is asked for is one of those that are asked for.</summary>
    public bool Takes(JobInfo job) => (Type is null || job.Type == Type)
        && (Machine is null || MachineWork.IsAbout(job.Progress, Machine))
        && (Text is null || Has(job.Progress) || Has(job.Type) || Has(job.Error) || Has(job.Id.ToString()));

    private bool Has(string? text) => text?.Contains(Text!, StringComparison.OrdinalIgnoreCase) == true;
}
