using Hypervisor.Sdk.Jobs.Sqlite;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Random workloads with faults: workers that die, that are paused beyond their leases, and jobs that fail. After each step what has to hold is looked at; a failure says its seed.</summary>
public sealed class WorkloadTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 240_000)]
    public Task What_has_to_hold_holds_for_two_thousand_seeds() => RunAsync(1, 2_000);

    [Fact(Timeout = 900_000)]
    [Speed(SpeedAttribute.Full)]
    public Task What_has_to_hold_holds_for_ten_thousand_seeds() => RunAsync(2_001, 10_000);

    // Every store answers as the one in memory does, which other tests show; some of the seeds go over a file all the same.
    private async Task RunAsync(int first, int count)
    {
        for (int seed = first; seed < first + count; seed++)
        {
            await using IJobStore store = seed % 100 == 0 ? SqliteJobStore.Open(_directory[$"{seed}.db"]) : new InMemoryJobStore();
            await new Workload(store, seed).RunAsync();
        }
    }

    private sealed class Workload(IJobStore store, int seed)
    {
        private const int Jobs = 24;
        private const int MaxAttempts = 6;
        private const int Capacity = 3;
        private const int MostSteps = 4_000;
        private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

        private readonly Random _random = new(seed);
        private readonly Dictionary<JobId, NewJob> _made = [];
        private readonly List<JobId> _order = [];
        private readonly Dictionary<JobId, DateTimeOffset> _due = [];
        private readonly Dictionary<JobId, (long Token, DateTimeOffset Until)> _held = [];
        private readonly List<(JobId Id, long Token)> _stale = [];
        private readonly Dictionary<JobId, int> _begun = [];
        private DateTimeOffset _now = Start;
        private long _lastToken;

        private static CancellationToken Token => TestContext.Current.CancellationToken;

        public async Task RunAsync()
        {
            int steps = 0;
            for (bool isOver = false; !isOver; steps++)
            {
                Check(steps < MostSteps, "somebody waits for ever");
                _now += TimeSpan.FromMilliseconds(_random.Next(2_000));
                foreach (var id in _held.Where(held => held.Value.Until <= _now).Select(held => held.Key).ToList())
                    Lose(id);
                switch (_random.Next(8))
                {
                    case 0 or 1 when _made.Count < Jobs:
                        await MakeAsync();
                        break;
                    case 2 or 3:
                        await ClaimAsync();
                        break;
                    case 4:
                        await RenewAsync();
                        break;
                    case 5 or 6:
                        await EndAsync();
                        break;
                    default:
                        await FaultAsync();
                        break;
                }

                isOver = _made.Count == Jobs && (await store.ListAsync(new JobQuery(), Jobs + 1, Token)).All(job => job.HasEnded);
            }

            foreach (var job in await store.ListAsync(new JobQuery(), Jobs + 1, Token))
            {
                Check(job.State is JobState.Completed or JobState.Failed, $"{job.Id} is {job.State}");
                Check(_begun[job.Id] is > 0 and <= MaxAttempts && job.Attempts == _begun[job.Id], $"{job.Id} began {_begun[job.Id]} times and says {job.Attempts}");
            }

            Check((await store.ListAsync(new JobQuery(), Jobs + 1, Token)).Count == Jobs, "a job is lost");
        }

        private async Task MakeAsync()
        {
            var lanes = Enumerable.Range(0, 4).Where(_ => _random.Next(3) == 0).Select(lane => new LaneClaim
            {
                Key = LaneKey.Parse($"lane:{lane}"), Mode = lane < 2 ? LaneMode.Exclusive : LaneMode.Shared, Capacity = lane < 2 ? null : Capacity, Weight = lane < 2 ? 1 : 1 + _random.Next(Capacity),
            }).ToList();
            var job = new NewJob
            {
                Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = _now, DueAt = _now, MaxAttempts = MaxAttempts, MaxLostWorkers = 100, Priority = _random.Next(-2, 3), Lanes = lanes,
            };
            await store.EnqueueAsync([job], Token);
            _made.Add(job.Id, job);
            _order.Add(job.Id);
            _due[job.Id] = _now;
            _begun[job.Id] = 0;
        }

        private async Task ClaimAsync()
        {
            var open = (await store.ListAsync(new JobQuery { State = JobState.Pending }, Jobs + 1, Token)).Select(job => job.Id).ToHashSet();
            open.UnionWith((await store.ListAsync(new JobQuery { State = JobState.InProgress }, Jobs + 1, Token)).Select(job => job.Id).Where(id => !_held.ContainsKey(id)));
            var claimed = await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 1 + _random.Next(4), Now = _now, LeaseUntil = _now + Lease }, Token);
            foreach (var job in claimed.Jobs)
            {
                Check(job.FencingToken > _lastToken, $"the token {job.FencingToken} is not larger than {_lastToken}");
                _lastToken = job.FencingToken;
                Check(open.Remove(job.Id), $"{job.Id} was taken and is not open");
                _begun[job.Id]++;
                Check(_begun[job.Id] <= MaxAttempts, $"{job.Id} begins {_begun[job.Id]} times");
                _held[job.Id] = (job.FencingToken, _now + Lease);
            }

            CheckLanes();

            // Nobody overtakes in a lane: who waits was before none of those that were taken.
            var ended = (await store.ListAsync(new JobQuery(), Jobs + 1, Token)).Where(job => job.HasEnded).Select(job => job.Id).ToHashSet();
            foreach (var waits in open.Where(id => !ended.Contains(id) && _due[id] <= _now))
            {
                foreach (var job in claimed.Jobs)
                    Check(!Shares(_made[waits], _made[job.Id]) || Before(job.Id, waits), $"{job.Id} overtook {waits}");
            }
        }

        private async Task RenewAsync()
        {
            if (Pick() is not { } id)
                return;
            bool? cancel = await store.RenewAsync(id, _held[id].Token, _now, _now + Lease);
            Check(cancel == false, $"{id} could not be renewed");
            _held[id] = (_held[id].Token, _now + Lease);
        }

        private async Task EndAsync()
        {
            if (Pick() is not { } id)
                return;
            bool isFailure = _random.Next(4) == 0;
            var due = _now + TimeSpan.FromSeconds(_random.Next(20));
            var end = !isFailure ? AttemptEnd.Completed : _begun[id] < MaxAttempts ? AttemptEnd.Retried : AttemptEnd.Failed;
            Check(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = _held[id].Token, End = end, Now = _now, DueAt = due, Reason = isFailure ? "why" : null, Result = isFailure ? null : "1" }), $"{id} could not end");
            if (end == AttemptEnd.Retried)
                _due[id] = due;
            _stale.Add((id, _held[id].Token));
            _held.Remove(id);
        }

        // A worker dies, or one that was paused beyond its lease wakes up and writes.
        private async Task FaultAsync()
        {
            if (_random.Next(3) == 0 && Pick() is { } dead)
            {
                _now = _held[dead].Until;
                foreach (var id in _held.Where(held => held.Value.Until <= _now).Select(held => held.Key).ToList())
                    Lose(id);
            }
            else if (_stale.Count > 0)
            {
                var (id, token) = _stale[_random.Next(_stale.Count)];
                Check(await store.RenewAsync(id, token, _now, _now + Lease) is null, $"{id} was renewed by a token that is over");
                Check(!await store.BeginStepAsync(id, token, new StoredStep { Name = "s", Request = RequestId.New() }, _now), $"{id} began a step by a token that is over");
                Check(!await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = token, End = AttemptEnd.Completed, Now = _now }), $"{id} was ended by a token that is over");
            }
        }

        private void Lose(JobId id)
        {
            _stale.Add((id, _held[id].Token));
            _held.Remove(id);
        }

        private JobId? Pick() => _held.Count == 0 ? null : _held.Keys.OrderBy(_order.IndexOf).ElementAt(_random.Next(_held.Count));

        private bool Before(JobId one, JobId other) =>
            (_made[one].OrderMs, _order.IndexOf(one)).CompareTo((_made[other].OrderMs, _order.IndexOf(other))) < 0;

        private static bool Shares(NewJob one, NewJob other) => one.Lanes.Any(lane => other.Lanes.Any(there => there.Key == lane.Key));

        // Who holds a lane exclusively is alone in it; all others together are no heavier than it bears. No weight here is above that.
        private void CheckLanes()
        {
            foreach (var lane in _held.Keys.SelectMany(id => _made[id].Lanes).GroupBy(lane => lane.Key))
            {
                Check(lane.Count() == 1 || lane.All(held => held.Mode == LaneMode.Shared), $"{lane.Key} is held by {lane.Count()}, and by one exclusively");
                Check(lane.All(held => held.Mode == LaneMode.Exclusive) || lane.Sum(held => held.Weight) <= Capacity, $"{lane.Key} bears {Capacity} and is held by {lane.Sum(held => held.Weight)}");
            }
        }

        private void Check(bool holds, string what)
        {
            if (!holds)
                Assert.Fail($"Seed {seed}, {(_now - Start).TotalSeconds} s: {what}.");
        }
    }
}
