using System.Globalization;

namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>Runs a sequence on a driver and compares it with the model after each step.</summary>
internal sealed class ModelRun(CheckContext context, IBackend client, TimeSpan stepDeadline)
{
    private readonly ICompute _compute = context.ComputeOf(client);
    private readonly Dictionary<int, (InstanceId Id, InstanceSpec Spec, RequestOptions Request)> _made = [];
    private readonly ModelInstance[] _model = [.. Enumerable.Range(0, ModelStep.Slots).Select(_ => new ModelInstance())];
    private readonly InstanceName[] _names = [.. Enumerable.Range(0, ModelStep.Slots).Select(_ => context.NewName())];

    /// <summary>The operations that a backend has.</summary>
    public static IReadOnlyList<ModelOperation> OperationsOf(IBackend backend) =>
        [.. Enum.GetValues<ModelOperation>().Where(operation => operation switch
        {
            ModelOperation.Pause or ModelOperation.Resume => backend.TryGet<IPausing>(out _),
            ModelOperation.Reset => backend.TryGet<IReset>(out _),
            ModelOperation.Crash => false,
            _ => true,
        })];

    /// <summary>Runs a sequence; what it made is removed after it.</summary>
    /// <param name="context">The check.</param>
    /// <param name="client">What it is run on.</param>
    /// <param name="sequence">The steps.</param>
    /// <param name="stepDeadline">How long a step may take before the driver is said to hang.</param>
    public static async Task<ModelDifference?> DifferenceAsync(CheckContext context, IBackend client, IReadOnlyList<ModelStep> sequence, TimeSpan stepDeadline)
    {
        var run = new ModelRun(context, client, stepDeadline);
        ModelDifference? found = null;
        try
        {
            for (int i = 0; i < sequence.Count && found is null; i++)
            {
                if (await run.TakeInTimeAsync(sequence[i]).ConfigureAwait(false) is { } difference)
                    found = difference with { What = string.Create(CultureInfo.InvariantCulture, $"step {i + 1}, '{sequence[i]}': {difference.What}"), Kind = $"{sequence[i].Operation} {difference.Kind}" };
            }

            return found;
        }
        finally
        {
            // What hangs has its client, and perhaps its instance, to itself: the clean-up of the check removes that by another.
            if (found is not { Hangs: true })
                await run.RemoveAsync().ConfigureAwait(false);
        }
    }

    private async Task RemoveAsync()
    {
        foreach (var (id, _, _) in _made.Values)
        {
            try
            {
                await _compute.DeleteAsync(id, new DeleteOptions { StopFirst = true }, null, context.Token).WaitForCompletionAsync(context.Token).ConfigureAwait(false);
            }
            catch (HypervisorException)
            {
                // It is gone already, or the driver is broken: the check's own clean-up says so.
            }
        }
    }

    /// <summary>Takes a step, for which a driver that hangs is not waited for longer than its time.</summary>
    private async Task<ModelDifference?> TakeInTimeAsync(ModelStep step)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(context.Token);
        time.CancelAfter(stepDeadline);
        var taken = await MayHang.RunAsync(() => TakeAsync(step, time.Token), time.Token).ConfigureAwait(false);
        context.Token.ThrowIfCancellationRequested();
        string hangs = string.Create(CultureInfo.InvariantCulture, $"the driver hangs: it did not end within {stepDeadline.TotalSeconds:0.#} s");
        try
        {
            return taken is null ? new ModelDifference(hangs + ", and heeds no cancellation", "hangs", Hangs: true) : await taken.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            return new ModelDifference(hangs, "hangs", Hangs: true);
        }
    }

    private async Task<ModelDifference?> TakeAsync(ModelStep step, CancellationToken token)
    {
        var model = _model[step.Slot];
        var before = model.State;
        var expected = model.Take(step.Operation);
        ErrorCode? code = null;
        string? message = null;
        try
        {
            await DoAsync(step, token).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            code = error.Code;
            message = error.Message;
            if (expected is not null && error.Outcome is not (RequestOutcome.NotSent or RequestOutcome.Rejected))
                return Differs($"it is refused as it must be ({code}), with the outcome {error.Outcome} instead of NotSent or Rejected", $"{code} {error.Outcome}");
        }
        catch (Exception error) when (!token.IsCancellationRequested)
        {
            return Differs(CheckRunner.Describe(error), error.GetType().Name);
        }

        if (code != expected)
            return Differs($"it {(code is null ? "succeeds" : $"fails with '{code}' ({message})")}; of an instance that {(before.IsDefault ? "never was" : $"was {before}")} it must {(expected is null ? "succeed" : $"fail with '{expected}'")}", $"{code} instead of {expected}");
        return await CompareAsync(step.Slot, token).ConfigureAwait(false);
    }

    private static ModelDifference Differs(string what, string kind) => new(what, kind, Hangs: false);

    private async Task DoAsync(ModelStep step, CancellationToken token)
    {
        var id = _made.TryGetValue(step.Slot, out var made) ? made.Id : InstanceId.Parse("never-made");
        switch (step.Operation)
        {
            case ModelOperation.Create:
                var request = new RequestOptions { RequestId = RequestId.New() };
                var spec = context.NewSpec(spec => spec.Name = _names[step.Slot]);
                _made[step.Slot] = ((await CreateAsync(spec, request, token).ConfigureAwait(false)).Id, spec, request);
                break;
            case ModelOperation.CreateAgain when made.Spec is not null:
                var again = await CreateAsync(made.Spec, made.Request, token).ConfigureAwait(false);
                context.RequireEqual(made.Id, again.Id, "The instance that a repeated create returned");
                break;
            case ModelOperation.Start:
                await _compute.StartAsync(id, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Stop:
                await _compute.StopAsync(id, CheckContext.AtOnce, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Restart:
                await _compute.RestartAsync(id, CheckContext.AtOnce, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Pause:
                await client.Get<IPausing>().PauseAsync(id, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Resume:
                await client.Get<IPausing>().ResumeAsync(id, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Reset:
                await client.Get<IReset>().ResetAsync(id, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Label:
                await LabelAsync(id, _model[step.Slot].Label, token).ConfigureAwait(false);
                break;
            case ModelOperation.StalePlan:
                var plan = await _compute.PlanAsync(id, new InstanceChange { Description = "stale" }, token).ConfigureAwait(false);
                await LabelAsync(id, _model[step.Slot].Label, token).ConfigureAwait(false);
                await _compute.ApplyAsync(plan, new ApplyOptions { Accept = CheckContext.Everything }, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Crash:
                await CrashAsync(id, token).ConfigureAwait(false);
                break;
            case ModelOperation.Delete or ModelOperation.DeleteRunning:
                await _compute.DeleteAsync(id, new DeleteOptions { StopFirst = step.Operation == ModelOperation.DeleteRunning }, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
        }
    }

    private Task<Instance> CreateAsync(InstanceSpec spec, RequestOptions request, CancellationToken token) => context.BeginCreateAsync(spec, request, client, token).WaitForCompletionAsync(token);

    private async Task CrashAsync(InstanceId id, CancellationToken token)
    {
        var guests = context.Target.Guests ?? throw new CheckFailedException("The target crashes nothing, and cannot run a sequence that does.");
        if ((await _compute.GetAsync(id, token).ConfigureAwait(false)).State is var state && state != PowerState.Running && state != PowerState.Paused)
            return;
        await guests.CrashAsync(id, token).ConfigureAwait(false);
        while ((await _compute.GetAsync(id, token).ConfigureAwait(false)).State != PowerState.Crashed)
            await context.Target.PassTimeAsync(TimeSpan.FromMilliseconds(10), token).ConfigureAwait(false);
    }

    private Task<Instance> LabelAsync(InstanceId id, int value, CancellationToken token)
    {
        var change = new InstanceChange();
        change.Labels["times"] = value.ToString(CultureInfo.InvariantCulture);
        return _compute.ChangeAsync(id, change, new ApplyOptions { Accept = CheckContext.Everything }, null, token).WaitForCompletionAsync(token);
    }

    /// <summary>Compares all instances: a step on one must not touch the others.</summary>
    private async Task<ModelDifference?> CompareAsync(int changed, CancellationToken token)
    {
        var listed = new List<Instance>();
        await foreach (var instance in _compute.List().WithCancellation(token).ConfigureAwait(false))
        {
            if (instance.Name.StartsWith(context.NamePrefix, StringComparison.Ordinal))
                listed.Add(instance);
        }

        for (int slot = 0; slot < ModelStep.Slots; slot++)
        {
            var model = _model[slot];
            string name = new ModelStep(default, slot).Name.ToString();
            var found = listed.Where(instance => instance.Name == _names[slot].ToString()).ToList();
            if (found.Count != (model.Exists ? 1 : 0))
                return Differs($"'{name}' is listed {found.Count} times; it must be listed {(model.Exists ? "once" : "never")}", $"listed {found.Count}");
            if (!model.Exists)
                continue;
            if (found[0].State != model.State)
                return Differs($"'{name}' is {found[0].State}{(slot == changed ? "" : ", which the step was not about")}; it must be {model.State}", $"{found[0].State} instead of {model.State}");
            string label = found[0].Labels.GetValueOrDefault("times", "0");
            if (label != model.Label.ToString(CultureInfo.InvariantCulture))
                return Differs($"the label of '{name}' is {label}; it must be {model.Label}", "label");
        }

        return null;
    }
}
