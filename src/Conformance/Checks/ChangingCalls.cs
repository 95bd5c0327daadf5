namespace Hypervisor.Sdk.Conformance;

/// <summary>A call that changes an instance, for what the contract says of each of them.</summary>
/// <param name="Name">What it is, as the beginning of a sentence.</param>
/// <param name="NeedsRunning">Whether it is for an instance that runs; else for one that is stopped.</param>
/// <param name="CallAsync">Makes it and waits for its end.</param>
internal sealed record ChangingCall(string Name, bool NeedsRunning, Func<InstanceId, RequestOptions?, CancellationToken, Task> CallAsync)
{
    /// <summary>Whether what it makes is another instance.</summary>
    public bool MakesAnother { get; init; }
}

/// <summary>Every call that changes an instance and that the backend has.</summary>
internal static class ChangingCalls
{
    /// <summary>Those for an instance in a state. What a snapshot is needed for finds the one that <see cref="PrepareAsync"/> has taken.</summary>
    public static IEnumerable<ChangingCall> Of(CheckContext c, bool isRunning) => All(c).Where(call => call.NeedsRunning == isRunning);

    private static readonly SnapshotName s_snapshot = SnapshotName.Parse("a");

    /// <summary>Takes the snapshot that others go back to.</summary>
    public static async Task PrepareAsync(CheckContext c, InstanceId stopped)
    {
        if (c.Backend.TryGet<ISnapshots>(out var snapshots))
            await snapshots.CreateAsync(stopped, new SnapshotSpec { Name = s_snapshot }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
    }

    /// <summary>All of them, of the check's client or of another one.</summary>
    public static IEnumerable<ChangingCall> All(CheckContext c, IBackend? client = null)
    {
        var backend = client ?? c.Backend;
        var compute = c.ComputeOf(backend);
        yield return new("A start", false, (id, request, token) => compute.StartAsync(id, request, token).WaitForCompletionAsync(token));
        yield return new("A stop", true, (id, request, token) => compute.StopAsync(id, CheckContext.AtOnce, request, token).WaitForCompletionAsync(token));
        yield return new("A restart", true, (id, request, token) => compute.RestartAsync(id, CheckContext.AtOnce, request, token).WaitForCompletionAsync(token));
        yield return new("A deletion", false, (id, request, token) => compute.DeleteAsync(id, null, request, token).WaitForCompletionAsync(token));
        yield return new("A deletion after stopping", true, (id, request, token) => compute.DeleteAsync(id, new DeleteOptions { StopFirst = true }, request, token).WaitForCompletionAsync(token));
        foreach (bool isRunning in new[] { false, true })
            yield return new("A change", isRunning, (id, request, token) => compute.ChangeAsync(id, new InstanceChange { Description = "changed" }, new ApplyOptions { Accept = CheckContext.Everything }, request, token).WaitForCompletionAsync(token));
        if (backend.TryGet<IPausing>(out var pausing))
        {
            yield return new("A pause", true, (id, request, token) => pausing.PauseAsync(id, request, token).WaitForCompletionAsync(token));
            yield return new("A resume", true, (id, request, token) => pausing.ResumeAsync(id, request, token).WaitForCompletionAsync(token));
        }

        if (backend.TryGet<IReset>(out var reset))
            yield return new("A reset", true, (id, request, token) => reset.ResetAsync(id, request, token).WaitForCompletionAsync(token));
        if (backend.TryGet<ISuspendToDisk>(out var suspending))
            yield return new("A suspension", true, (id, request, token) => suspending.SuspendAsync(id, request, token).WaitForCompletionAsync(token));
        if (backend.TryGet<ISnapshots>(out var snapshots))
        {
            foreach (bool isRunning in new[] { false, true })
                yield return new("A snapshot", isRunning, (id, request, token) => snapshots.CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("b") }, request, token).WaitForCompletionAsync(token));
            yield return new("Going back to a snapshot", false, (id, request, token) => snapshots.RevertAsync(id, s_snapshot, request, token).WaitForCompletionAsync(token));
            yield return new("A deletion of a snapshot", false, (id, request, token) => snapshots.DeleteAsync(id, s_snapshot, request, token).WaitForCompletionAsync(token));
        }

        if (backend.TryGet<ICloning>(out var cloning))
            yield return new("A clone", false, (id, request, token) => cloning.CloneAsync(id, new CloneSpec { Name = c.NewName() }, request, token).WaitForCompletionAsync(token)) { MakesAnother = true };
        if (!backend.TryGet<ITemplates>(out var templates))
            yield break;
        yield return new("Making a template", false, (id, request, token) => templates.ConvertToTemplateAsync(id, request, token).WaitForCompletionAsync(token));
        yield return new("Making an instance", false, (id, request, token) => templates.ConvertToInstanceAsync(id, request, token).WaitForCompletionAsync(token));
    }
}
