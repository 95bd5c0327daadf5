using System.Globalization;
using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>What has to hold whatever happens.</summary>
internal enum Invariant
{
    /// <summary>Every job that was made ends; COMPLETED is one whose handler came to its end; nothing else ends without a reason.</summary>
    AtLeastOnce,

    /// <summary>Tokens grow; who holds a lane or a job holds it alone, or with whom the lane bears; nothing is taken from who does not hold it any longer; a backend refuses no holder.</summary>
    Exclusion,

    /// <summary>Nobody overtakes in a lane.</summary>
    LaneOrder,

    /// <summary>Of those that could begin, whoever comes first by the ageing order (due, less a minute for each step of priority) begins first, and a free place is not left empty beside one that could.</summary>
    NoStarvation,

    /// <summary>No more attempts than a job has, and no more lost workers in a row.</summary>
    BoundedRetries,

    /// <summary>Nothing begins before it is due, after its deadline, while its type is paused, or before what it waits for.</summary>
    Readiness,

    /// <summary>No more begin within the period than the rate says.</summary>
    Rates,

    /// <summary>One job of a unique key at a time; one job of a schedule for each of its times.</summary>
    Once,

    /// <summary>What a step does happens once, and is there when the job is COMPLETED; what was to be undone is undone.</summary>
    Steps,
}

/// <summary>Goes through a history and says what did not hold. It knows nothing of the stores: what it compares with it reckons itself.</summary>
internal sealed class WorkloadChecker
{
    // Rates go by the clocks of the workers when they ask, which may differ by so much from those of others when it is carried out.
    private readonly TimeSpan _skew;
    private readonly WorkloadHistory _history;
    private readonly List<(Invariant Invariant, string Text)> _found = [];
    private readonly Dictionary<JobId, Track> _jobs = [];
    private readonly Dictionary<long, Attempt> _attempts = [];
    private readonly Dictionary<string, List<DateTimeOffset>> _starts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _tokens = new(StringComparer.Ordinal);
    private readonly HashSet<DateTimeOffset> _ticks = [];
    private readonly Dictionary<(JobId, long), IReadOnlyList<string>> _done = [];
    private readonly List<Attempt> _live = [];
    private long _lastToken;

    private WorkloadChecker(WorkloadHistory history, TimeSpan skew)
    {
        _history = history;
        _skew = skew;
    }

    /// <summary>What does not hold, in the order of the history.</summary>
    public static IReadOnlyList<(Invariant Invariant, string Text)> Check(WorkloadHistory history, TimeSpan skew)
    {
        var checker = new WorkloadChecker(history, skew);
        foreach (var one in history.Events)
            checker.Look(one);
        if (history.Events is not [.., RunOver])
            checker.Fail(Invariant.AtLeastOnce, "it did not come to its end");
        return checker._found;
    }

    private void Look(WorkloadEvent one)
    {
        switch (one)
        {
            case JobMade made:
                var waits = made.Job.After.Where(on => _jobs.TryGetValue(on, out var other) && !other.HasEnded).Select(on => _jobs[on]).ToHashSet();
                _jobs.TryAdd(made.Job.Id, new Track { Made = made.Job, OrderMs = made.Job.OrderMs, Index = _jobs.Count, Waits = waits });
                if (made.Job.Type == EngineWorkload.Tick)
                    Expect(_ticks.Add(made.Job.DueAt), Invariant.Once, $"the schedule was fired twice for {made.Job.DueAt:O}");
                break;
            case JobsClaimed claimed:
                Claimed(claimed);
                break;
            case AttemptWrote wrote:
                Expect(Holds(wrote.Token, wrote.Job, wrote.Now), Invariant.Exclusion, $"{Name(wrote.Job)} wrote '{wrote.What}' by a token that does not hold it");
                if (wrote.Until is { } until && _attempts.TryGetValue(wrote.Token, out var renewed))
                    renewed.LeaseUntil = until;
                break;
            case AttemptEnded { Attempt: var end }:
                Ended(end);
                break;
            case JobRetried retried when _jobs.TryGetValue(retried.Job, out var job):
                job.OrderMs = retried.Now.ToUnixTimeMilliseconds() - (job.Made.Priority * 60_000L);
                job.Counted = 0;
                job.Lost = 0;
                // It had ended, whether or not somebody saw it.
                EndWaits(job);
                job.HasEnded = false;
                job.IsForced = true;
                break;
            case CancelAsked asked when _jobs.TryGetValue(asked.Job, out var job):
                job.IsCancelAsked = true;
                break;
            case HandlerDone done:
                _done[(done.Job, done.Token)] = done.Steps;
                break;
            case EffectDone effect:
                Effect(effect);
                break;
            case EffectUndone undone:
                _jobs[undone.Job].Effects[undone.Step] = 0;
                break;
            case TokenRefused refused:
                Expect(_attempts.TryGetValue(refused.Token, out var attempt) && attempt.IsOver, Invariant.Exclusion, $"{Name(refused.Job)} holds its lanes and the backend refuses its token");
                break;
            case RunOver over:
                Over(over);
                break;
        }
    }

    private void Claimed(JobsClaimed claim)
    {
        var now = claim.Request.Now;
        foreach (var attempt in _live.FindAll(attempt => attempt.LeaseUntil <= now))
        {
            Over(attempt);
            attempt.Job.Lost++;
        }

        foreach (var job in claim.Jobs)
        {
            if (!_jobs.TryGetValue(job.Id, out var track))
                continue;
            if (job.HasEnded && !track.HasEnded)
                EndWaits(track);
            track.HasEnded = job.HasEnded;
            track.HasEverCompleted |= job.State == JobState.Completed;
        }

        foreach (var same in claim.Jobs.Where(job => !job.HasEnded && _jobs.TryGetValue(job.Id, out var track) && track.Made.UniqueKey is not null).GroupBy(job => _jobs[job.Id].Made.UniqueKey))
            Expect(same.Count() == 1, Invariant.Once, $"{string.Join(" and ", same.Select(job => Name(job.Id)))} have one unique key");
        if (claim.Request.Limit == 0)
        {
            Expect(claim.Taken.Count == 0, Invariant.Exclusion, "a claim of nothing took something");
            return;
        }

        Order(claim);
        foreach (var taken in claim.Taken)
            Begin(claim, taken);
    }

    // Goes through who could begin as it is due, in the ageing order, and compares with who did.
    private void Order(JobsClaimed claim)
    {
        var now = claim.Request.Now;
        var taken = claim.Taken.ToDictionary(job => job.Id);
        bool isAllPaused = claim.Paused.Contains("");
        var ready = claim.Jobs.Where(job => _jobs.ContainsKey(job.Id) && (taken.ContainsKey(job.Id)
                || (!isAllPaused && job.State == JobState.Pending && (job.DueAt <= now || (job.Attempts == 0 && job.DueAt <= job.CreatedAt)) && claim.Request.Types.ContainsKey(job.Type) && !claim.Paused.Contains(job.Type) && (_jobs[job.Id].Begun > 0 || _jobs[job.Id].Waits.Count == 0))))
            .Select(job => _jobs[job.Id]).OrderBy(job => job.OrderMs).ThenBy(job => job.Index).ToList();
        var held = _live.SelectMany(attempt => attempt.Job.Made.Lanes).ToList();
        var closed = new Dictionary<LaneKey, Track>();
        // Who waits for a rate that opens by the clock of another worker closes lanes or not: starts are forgotten by the clock of whoever purges.
        var unsure = new HashSet<LaneKey>();
        int left = claim.Taken.Count;
        foreach (var job in ready)
        {
            bool isTaken = taken.ContainsKey(job.Made.Id);
            if (job.Made.Rate is { } rate)
            {
                var opens = OpensAt(rate);
                if (!isTaken && opens > now)
                {
                    if (opens <= now + _skew)
                        unsure.UnionWith(job.Made.Lanes.Select(lane => lane.Key));
                    continue;
                }

                Expect(opens <= now + _skew, Invariant.Rates, $"{Name(job.Made.Id)} began at {now:O} and its rate opens at {opens:O}");
                if (isTaken)
                    StartsOf(rate).Add(now);
            }

            var ahead = job.Made.Lanes.Where(lane => closed.ContainsKey(lane.Key)).Select(lane => closed[lane.Key]).FirstOrDefault();
            bool isFree = job.Made.Lanes.All(lane => Fits(lane, held));
            if (isTaken)
            {
                left--;
                Expect(ahead is null, Invariant.LaneOrder, $"{Name(job.Made.Id)} overtook {(ahead is null ? "" : Name(ahead.Made.Id))} in a lane");
                Expect(isFree, Invariant.Exclusion, $"{Name(job.Made.Id)} began and a lane of it is held");
                held.AddRange(job.Made.Lanes);
            }
            else if (job.Made.Lanes.Any(lane => unsure.Contains(lane.Key)))
            {
                unsure.UnionWith(job.Made.Lanes.Select(lane => lane.Key));
            }
            else if (ahead is null && isFree)
            {
                Expect(left == 0, Invariant.NoStarvation, $"{Name(job.Made.Id)}, due at {job.Made.DueAt:O} with priority {job.Made.Priority}, could begin and was passed over for one that ageing puts after it");
                Expect(left > 0 || claim.Taken.Count == claim.Request.Limit, Invariant.NoStarvation, $"{Name(job.Made.Id)} could begin, and a place of {claim.Request.Worker} was left empty at {now:O}");
            }
            else
            {
                foreach (var lane in job.Made.Lanes)
                    closed.TryAdd(lane.Key, job);
            }
        }
    }

    private void Begin(JobsClaimed claim, ClaimedJob taken)
    {
        var now = claim.Request.Now;
        Expect(taken.FencingToken > _lastToken, Invariant.Exclusion, $"{Name(taken.Id)} has a token that is not larger than the last");
        _lastToken = Math.Max(_lastToken, taken.FencingToken);
        if (!_jobs.TryGetValue(taken.Id, out var job))
        {
            Fail(Invariant.AtLeastOnce, "something was taken that was never made");
            return;
        }

        Expect(!_live.Exists(attempt => attempt.Job == job), Invariant.Exclusion, $"{Name(taken.Id)} was taken while another attempt holds it");
        if (job.Undo != taken.CompensatesTo)
        {
            job.Undo = taken.CompensatesTo;
            job.Counted = 0;
            job.Lost = 0;
        }

        Expect(MayBegin(job), Invariant.Readiness, $"{Name(taken.Id)} begins before what it waits for");
        job.Begun++;
        job.Counted++;
        var made = job.Made;
        Expect(job.Counted <= made.MaxAttempts, Invariant.BoundedRetries, $"{Name(taken.Id)} has {made.MaxAttempts} attempts and begins number {job.Counted}");
        Expect(job.Lost < made.MaxLostWorkers, Invariant.BoundedRetries, $"{Name(taken.Id)} lost its worker {job.Lost} times in a row and begins again");
        Expect(job.Counted == taken.CountedAttempts && job.Begun == taken.Attempt, Invariant.BoundedRetries, $"{Name(taken.Id)} begins number {job.Begun} ({job.Counted}) and is told {taken.Attempt} ({taken.CountedAttempts})");
        Expect((taken.DueAt <= now || (taken.Attempt == 1 && taken.DueAt <= made.CreatedAt)) && (job.Begun > 1 || job.IsForced || made.DueAt <= now || made.DueAt <= made.CreatedAt), Invariant.Readiness, $"{Name(taken.Id)} begins before it is due");
        Expect(job.Undo is not null || taken.DeadlineAt is null || taken.DeadlineAt > now, Invariant.Readiness, $"{Name(taken.Id)} begins after its deadline");
        Expect(!claim.Paused.Contains("") && !claim.Paused.Contains(made.Type), Invariant.Readiness, $"{Name(taken.Id)} begins and is paused");
        _live.Add(_attempts[taken.FencingToken] = new Attempt { Job = job, LeaseUntil = claim.Request.LeaseUntil });
    }

    private void Ended(EndedAttempt end)
    {
        Expect(Holds(end.FencingToken, end.Id, end.Now), Invariant.Exclusion, $"{Name(end.Id)} was ended by a token that does not hold it");
        if (!_attempts.TryGetValue(end.FencingToken, out var attempt))
            return;
        Over(attempt);
        attempt.Job.Lost = 0;
        attempt.Job.LastEnd = end.End;
        if (end.End == AttemptEnd.Returned)
            attempt.Job.Counted--;
        if (end.End == AttemptEnd.Completed)
        {
            attempt.Job.HasEnded = attempt.Job.HasEverCompleted = true;
            EndWaits(attempt.Job);
            Expect(_done.ContainsKey((end.Id, end.FencingToken)), Invariant.AtLeastOnce, $"{Name(end.Id)} is COMPLETED and its handler never came to its end");
            foreach (string step in _done.GetValueOrDefault((end.Id, end.FencingToken), []))
                Expect(attempt.Job.Effects.GetValueOrDefault(step) == 1, Invariant.Steps, $"{Name(end.Id)} is COMPLETED and the effect of its step {step} is not there");
        }
    }

    private void Effect(EffectDone effect)
    {
        var job = _jobs[effect.Job];
        Expect((job.Effects[effect.Step] = job.Effects.GetValueOrDefault(effect.Step) + 1) == 1, Invariant.Steps, $"the effect of {Name(effect.Job)}/{effect.Step} happened twice");
        foreach (string thing in EngineWorkload.ThingsOf(job.Made))
        {
            Expect(effect.Token >= _tokens.GetValueOrDefault(thing), Invariant.Exclusion, $"{Name(effect.Job)}/{effect.Step} happened by a token that is smaller than one that was there before");
            _tokens[thing] = Math.Max(effect.Token, _tokens.GetValueOrDefault(thing));
        }
    }

    private void Over(RunOver over)
    {
        var there = over.Jobs.ToDictionary(job => job.Id);
        foreach (var job in _jobs.Values)
        {
            string name = Name(job.Made.Id);
            if (!there.TryGetValue(job.Made.Id, out var end) || !end.HasEnded)
            {
                Fail(Invariant.AtLeastOnce, $"{name} {(end is null ? "is lost" : $"is {end.State} for ever")}");
                continue;
            }

            Expect(end.Attempts == job.Begun, Invariant.BoundedRetries, $"{name} began {job.Begun} times and says {end.Attempts}");
            if (end.State == JobState.Completed)
                Expect(job.HasEverCompleted && job.LastEnd == AttemptEnd.Completed, Invariant.AtLeastOnce, $"{name} is COMPLETED and no attempt has ended so");
            else if (job.Begun == 0)
                Expect(HasReason(job, end), Invariant.AtLeastOnce, $"{name} is {end.State} and never began");
            // What could not be undone is a dead letter that says so.
            bool isLeft = end.State == JobState.Failed && job.Undo is not null && job.LastEnd != AttemptEnd.Compensated;
            if (job.Made.Type == EngineWorkload.Saga && end.State != JobState.Completed && !isLeft)
                Expect(job.Effects.Values.All(times => times == 0), Invariant.Steps, $"{name} is {end.State} and something of it is left");
        }
    }

    private void Over(Attempt attempt)
    {
        attempt.IsOver = true;
        _live.Remove(attempt);
    }

    private bool HasReason(Track job, JobInfo end) => end.State == JobState.Failed ? job.Made.DeadlineAt is not null
        : job.IsCancelAsked || job.Made.After.Count > 0 || (job.Made.UniqueKey is { } key && _jobs.Values.Any(other => other.Made.UniqueKey == key && other.Made.Uniqueness == JobUniqueness.Replace));

    private bool Holds(long token, JobId job, DateTimeOffset now) =>
        _attempts.TryGetValue(token, out var attempt) && !attempt.IsOver && attempt.Job.Made.Id == job && attempt.LeaseUntil > now;

    private void EndWaits(Track ended)
    {
        foreach (var job in _jobs.Values)
            job.Waits.Remove(ended);
    }

    // A dead letter that is run again by hand goes on where that which it waited for has ended in another way.
    private bool MayBegin(Track job) => job.Begun > 0 || job.Undo is not null || (job.Waits.Count == 0 && (job.Made.AfterRule == JobAfterRule.AllEnded || job.IsForced || job.Made.After.All(on => _jobs[on].HasEverCompleted)));

    private List<DateTimeOffset> StartsOf(JobRate rate) => _starts.TryGetValue(rate.Key, out var starts) ? starts : _starts[rate.Key] = [];

    private DateTimeOffset OpensAt(JobRate rate)
    {
        var starts = StartsOf(rate);
        return starts.Count < rate.Limit ? DateTimeOffset.MinValue : starts.OrderDescending().ElementAt(rate.Limit - 1) + rate.Period;
    }

    private static bool Fits(LaneClaim lane, List<LaneClaim> held)
    {
        var others = held.Where(other => other.Key == lane.Key).ToList();
        return others.Count == 0 || (lane.Mode == LaneMode.Shared && others.All(other => other.Mode == LaneMode.Shared)
            && others.Sum(other => other.Weight) + lane.Weight <= (others.Append(lane).Min(other => other.Capacity) ?? int.MaxValue));
    }

    private string Name(JobId job) => _history.Name(job);

    private void Expect(bool holds, Invariant invariant, [InterpolatedStringHandlerArgument(nameof(holds))] ref FailureText otherwise)
    {
        if (!holds)
            Fail(invariant, otherwise.ToStringAndClear());
    }

    private void Expect(bool holds, Invariant invariant, string otherwise)
    {
        if (!holds)
            Fail(invariant, otherwise);
    }

    private void Fail(Invariant invariant, string what) => _found.Add((invariant, what));

    /// <summary>Is written only where something did not hold: there are millions of looks.</summary>
    [InterpolatedStringHandler]
    internal ref struct FailureText
    {
        private DefaultInterpolatedStringHandler _text;

        public FailureText(int literalLength, int formattedCount, bool holds, out bool isWritten)
        {
            isWritten = !holds;
            _text = holds ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
        }

        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

        public string ToStringAndClear() => _text.ToStringAndClear();
    }

    private sealed class Track
    {
        public required NewJob Made { get; init; }

        public required int Index { get; init; }

        public required long OrderMs { get; set; }

        public int Begun { get; set; }

        public int Counted { get; set; }

        public int Lost { get; set; }

        public JobState? Undo { get; set; }

        public AttemptEnd? LastEnd { get; set; }

        public required HashSet<Track> Waits { get; init; }

        public bool HasEnded { get; set; }

        public bool HasEverCompleted { get; set; }

        public bool IsCancelAsked { get; set; }

        public bool IsForced { get; set; }

        public Dictionary<string, int> Effects { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Attempt
    {
        public required Track Job { get; init; }

        public required DateTimeOffset LeaseUntil { get; set; }

        public bool IsOver { get; set; }
    }
}
