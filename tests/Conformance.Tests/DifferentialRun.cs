using System.Globalization;
using Hypervisor.Sdk.Conformance.Model;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>Runs a generated sequence on a backend and writes down, line by line, all that must be the same on another one.</summary>
internal sealed class DifferentialRun
{
    private readonly IBackend _backend;
    private readonly IHypervisor _compute;
    private readonly IReadOnlyList<string> _names;
    private readonly Func<string, VirtualMachineSpec> _spec;
    private readonly Func<InstanceId, Task> _crash;
    private readonly CancellationToken _token;
    private readonly List<string> _lines = [];
    private readonly Dictionary<int, (InstanceId Id, VirtualMachineSpec Spec, RequestOptions Request)> _made = [];
    private readonly Dictionary<int, (Revision Revision, Incarnation Incarnation)> _last = [];
    private readonly Dictionary<InstanceId, string> _who = [];
    private int _labels;

    private DifferentialRun(IBackend backend, IReadOnlyList<string> names, Func<string, VirtualMachineSpec> spec, Func<InstanceId, Task> crash, CancellationToken token)
    {
        (_backend, _names, _spec, _crash, _token) = (backend, names, spec, crash, token);
        _compute = backend.Get<IHypervisor>();
    }

    /// <summary>Runs it, removes what is left, and tells the events of each instance after the steps.</summary>
    /// <param name="backend">The one or the other.</param>
    /// <param name="sequence">What is done.</param>
    /// <param name="names">What the instances are called.</param>
    /// <param name="spec">What they are.</param>
    /// <param name="crash">Ends what runs an instance, from outside.</param>
    /// <param name="token">Gives up.</param>
    public static async Task<IReadOnlyList<string>> RunAsync(
        IBackend backend, IReadOnlyList<ModelStep> sequence, IReadOnlyList<string> names, Func<string, VirtualMachineSpec> spec, Func<InstanceId, Task> crash, CancellationToken token)
    {
        var run = new DifferentialRun(backend, names, spec, crash, token);
        await using var watch = await run._compute.WatchAsync(null, token);
        foreach (var step in sequence)
            await run.TakeAsync(step);

        // One more of each is made and deleted, so that the end of the events is known.
        foreach (var (id, _, _) in run._made.Values)
            await DifferentialTests.OutcomeAsync(() => run._compute.DeleteAsync(id, new DeleteOptions { StopFirst = true }, cancellationToken: token).WaitForCompletionAsync(token));
        var last = await run._compute.CreateAsync(spec(names[0] + "-last"), cancellationToken: token).WaitForCompletionAsync(token);
        var told = new Dictionary<InstanceId, List<string>>();
        await foreach (var next in watch.WithCancellation(token))
        {
            if (next is InstanceCreated created && created.Id == last.Id)
                break;
            if (Describe(next) is { } seen && run._who.ContainsKey(seen.Id))
                (told.TryGetValue(seen.Id, out var list) ? list : told[seen.Id] = []).Add(seen.Text);
        }

        await run._compute.DeleteAsync(last.Id, cancellationToken: token).WaitForCompletionAsync(token);
        foreach (var (id, who) in run._who.OrderBy(pair => pair.Value, StringComparer.Ordinal))
            run._lines.Add($"events of {who}: {string.Join(", ", told.GetValueOrDefault(id) ?? [])}");
        return run._lines;
    }

    /// <summary>Ends what runs an instance, and waits until the backend has seen it. Nothing is done to one that is off.</summary>
    public static async Task CrashAsync(IHypervisor compute, InstanceId id, Func<InstanceId, Task> crash, CancellationToken token)
    {
        await using var watch = await compute.WatchAsync(null, token);
        if ((await compute.GetAsync(id, token)).State is var state && state != PowerState.Running && state != PowerState.Paused)
            return;
        await crash(id);
        await foreach (var next in watch.WithCancellation(token))
        {
            if (next is InstanceStateChanged changed && changed.Id == id && changed.To == PowerState.Crashed)
                break;
        }
    }

    public static (InstanceId Id, string Text)? Describe(BackendEvent next) => next switch
    {
        InstanceCreated created => (created.Id, "created"),
        InstanceDeleted deleted => (deleted.Id, "deleted"),
        InstanceStateChanged changed => (changed.Id, $"{changed.From}->{changed.To}"),
        InstanceChanged changed => (changed.Id, "changed"),
        _ => null,
    };

    private async Task TakeAsync(ModelStep step)
    {
        string outcome = await DifferentialTests.OutcomeAsync(() => DoAsync(step));
        var states = new List<string>();
        for (int slot = 0; slot < ModelStep.Slots; slot++)
        {
            if (!_made.TryGetValue(slot, out var made) || await _compute.FindAsync(made.Id, _token) is not { } now)
            {
                states.Add("-");
                _last.Remove(slot);
                continue;
            }

            // Of revision and incarnation, whether the step has changed them.
            var before = _last.TryGetValue(slot, out var known) ? known : (now.Revision, now.Incarnation);
            _last[slot] = (now.Revision, now.Incarnation);
            states.Add($"{now.State}{(before.Revision == now.Revision ? "" : " revised")}{(before.Incarnation == now.Incarnation ? "" : " another")} {now.Labels.GetValueOrDefault("times")}");
        }

        _lines.Add($"{step}: {outcome}; {string.Join(" | ", states)}");
    }

    private async Task DoAsync(ModelStep step)
    {
        var id = _made.TryGetValue(step.Slot, out var made) ? made.Id : InstanceId.Parse("never-made");
        var now = new StopOptions { GracePeriod = TimeSpan.Zero };
        switch (step.Operation)
        {
            case ModelOperation.Create:
                var request = new RequestOptions { RequestId = RequestId.New() };
                var spec = _spec(_names[step.Slot]);
                var instance = await _compute.CreateAsync(spec, request, _token).WaitForCompletionAsync(_token);
                _made[step.Slot] = (instance.Id, spec, request);
                _who[instance.Id] = string.Create(CultureInfo.InvariantCulture, $"{step.Name}{_who.Count:00}");
                break;
            case ModelOperation.CreateAgain:
                Assert.Equal(made.Id, (await _compute.CreateAsync(made.Spec, made.Request, _token).WaitForCompletionAsync(_token)).Id);
                break;
            case ModelOperation.Start:
                await _compute.StartAsync(id, null, _token).WaitForCompletionAsync(_token);
                break;
            case ModelOperation.Stop:
                await _compute.StopAsync(id, now, null, _token).WaitForCompletionAsync(_token);
                break;
            case ModelOperation.Restart:
                await _compute.RestartAsync(id, now, null, _token).WaitForCompletionAsync(_token);
                break;
            case ModelOperation.Pause:
                await _backend.Get<IPausing>().PauseAsync(id, null, _token).WaitForCompletionAsync(_token);
                break;
            case ModelOperation.Resume:
                await _backend.Get<IPausing>().ResumeAsync(id, null, _token).WaitForCompletionAsync(_token);
                break;
            case ModelOperation.Reset:
                await _backend.Get<IReset>().ResetAsync(id, null, _token).WaitForCompletionAsync(_token);
                break;
            case ModelOperation.Label:
                await LabelAsync(id);
                break;
            case ModelOperation.StalePlan:
                var plan = await _compute.PlanAsync(id, new InstanceChange { Description = "stale" }, _token);
                await LabelAsync(id);
                await _compute.ApplyAsync(plan, null, null, _token).WaitForCompletionAsync(_token);
                break;
            case ModelOperation.Crash:
                await CrashAsync(_compute, id, _crash, _token);
                break;
            case ModelOperation.Delete or ModelOperation.DeleteRunning:
                await _compute.DeleteAsync(id, new DeleteOptions { StopFirst = step.Operation == ModelOperation.DeleteRunning }, null, _token).WaitForCompletionAsync(_token);
                break;
        }
    }

    private async Task LabelAsync(InstanceId id)
    {
        var change = new InstanceChange();
        change.Labels["times"] = (++_labels).ToString(CultureInfo.InvariantCulture);
        var plan = await _compute.PlanAsync(id, change, _token);
        await _compute.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, _token).WaitForCompletionAsync(_token);
    }
}
