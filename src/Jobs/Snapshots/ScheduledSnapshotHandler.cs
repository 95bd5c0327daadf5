using System.Globalization;

namespace Hypervisor.Sdk.Jobs.Snapshots;

/// <summary>Takes a snapshot, and deletes those before it that are too many. The result is its name.</summary>
internal sealed class ScheduledSnapshotHandler(IBackendRegistry backends, JobsOptions options) : IJobHandler<ScheduledSnapshot, string>
{
    private const string Moment = "yyyyMMdd-HHmmss";

    public async Task<string> RunAsync(JobContext job, ScheduledSnapshot args, CancellationToken cancellationToken)
    {
        var backend = await backends.GetAsync(args.Backend, cancellationToken).ConfigureAwait(false);
        var (snapshots, log) = (backend.Get<ISnapshots>(), backend.Get<IRequestLog>());
        // Chosen once: a later attempt takes no second one.
        string name = await job.StepAsync("name", SnapshotJson.Default.String, _ => Task.FromResult(string.Create(CultureInfo.InvariantCulture, $"{args.Prefix}-{options.TimeProvider.GetUtcNow().UtcDateTime.ToString(Moment, CultureInfo.InvariantCulture)}")),
            _ => Task.FromResult(StepLookup<string>.NotHappened)).ConfigureAwait(false);
        var spec = new SnapshotSpec { Name = SnapshotName.Parse(name), IncludeMemory = args.IncludeMemory, Quiesce = args.Quiesce, Description = $"Taken by job {job.Id}." };
        await job.StepAsync("take", SnapshotJson.Default.String, async request =>
        {
            await snapshots.CreateAsync(args.Instance, spec, request, cancellationToken).WaitForCompletionAsync(cancellationToken).ConfigureAwait(false);
            return name;
        }, log, _ => name).ConfigureAwait(false);

        var own = new List<string>();
        await foreach (var snapshot in snapshots.ListAsync(args.Instance, cancellationToken).ConfigureAwait(false))
        {
            if (IsOwn(snapshot.Name, args.Prefix))
                own.Add(snapshot.Name);
        }

        // The names of one prefix sort by their moments.
        string[] old = [.. own.OrderDescending(StringComparer.Ordinal).Skip(args.Keep).Reverse()];
        foreach (string one in old)
        {
            await job.StepAsync($"delete {one}", SnapshotJson.Default.String, async request =>
            {
                await DeleteAsync(snapshots, args.Instance, SnapshotName.Parse(one), request, cancellationToken).ConfigureAwait(false);
                return one;
            }, log, _ => one).ConfigureAwait(false);
        }

        await job.ReportAsync(old.Length == 0 ? $"{name} taken" : $"{name} taken, {string.Join(", ", old)} deleted", 1).ConfigureAwait(false);
        return name;
    }

    private static bool IsOwn(string name, string prefix) => name.Length == prefix.Length + 1 + Moment.Length && name.StartsWith(prefix + "-", StringComparison.Ordinal)
        && DateTime.TryParseExact(name.AsSpan(prefix.Length + 1), Moment, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static async Task DeleteAsync(ISnapshots snapshots, InstanceId instance, SnapshotName name, RequestOptions request, CancellationToken cancellationToken)
    {
        try
        {
            await snapshots.DeleteAsync(instance, name, request, cancellationToken).WaitForCompletionAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException exception) when (exception.Code == ErrorCode.NotFound)
        {
            // Somebody else has deleted it.
        }
    }
}
