using System.Globalization;

namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>Runs a sequence on a driver and compares it with the model after each step.</summary>
internal sealed class ModelRun(CheckContext context)
{
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
    /// <returns>Where the driver differs from the model; null when it does not.</returns>
    public static async Task<string?> DifferenceAsync(CheckContext context, IReadOnlyList<ModelStep> sequence)
    {
        var run = new ModelRun(context);
        try
        {
            for (int i = 0; i < sequence.Count; i++)
            {
                if (await run.TakeAsync(sequence[i]).ConfigureAwait(false) is { } difference)
                    return string.Create(CultureInfo.InvariantCulture, $"step {i + 1}, '{sequence[i]}': {difference}");
            }

            return null;
        }
        finally
        {
            foreach (var (id, _, _) in run._made.Values)
                await RemoveAsync(context, id).ConfigureAwait(false);
        }
    }

    private static async Task RemoveAsync(CheckContext context, InstanceId id)
    {
        try
        {
            await context.DeleteAsync(id, stopFirst: true).ConfigureAwait(false);
        }
        catch (HypervisorException)
        {
            // It is gone already, or the driver is broken: the check's own clean-up says so.
        }
    }

    private async Task<string?> TakeAsync(ModelStep step)
    {
        var model = _model[step.Slot];
        var before = model.State;
        var expected = step.Operation == ModelOperation.CreateAgain ? null : model.Take(step.Operation);
        ErrorCode? code = null;
        string? message = null;
        try
        {
            await DoAsync(step).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            code = error.Code;
            message = error.Message;
            if (expected is not null && error.Outcome is not (RequestOutcome.NotSent or RequestOutcome.Rejected))
                return $"it is refused as it must be ({code}), with the outcome {error.Outcome} instead of NotSent or Rejected";
        }
        catch (Exception error) when (!context.Token.IsCancellationRequested)
        {
            return CheckRunner.Describe(error);
        }

        if (code != expected)
            return $"it {(code is null ? "succeeds" : $"fails with '{code}' ({message})")}; of an instance that {(before.IsDefault ? "never was" : $"was {before}")} it must {(expected is null ? "succeed" : $"fail with '{expected}'")}";
        return await CompareAsync(step.Slot).ConfigureAwait(false);
    }

    private async Task DoAsync(ModelStep step)
    {
        var (compute, token) = (context.Compute, context.Token);
        var id = _made.TryGetValue(step.Slot, out var made) ? made.Id : InstanceId.Parse("never-made");
        switch (step.Operation)
        {
            case ModelOperation.Create:
                var request = new RequestOptions { RequestId = RequestId.New() };
                var spec = context.NewSpec(spec => spec.Name = _names[step.Slot]);
                _made[step.Slot] = ((await context.BeginCreateAsync(spec, request).WaitForCompletionAsync(token).ConfigureAwait(false)).Id, spec, request);
                break;
            case ModelOperation.CreateAgain when made.Spec is not null:
                var again = await context.BeginCreateAsync(made.Spec, made.Request).WaitForCompletionAsync(token).ConfigureAwait(false);
                context.RequireEqual(made.Id, again.Id, "The instance that a repeated create returned");
                break;
            case ModelOperation.Start:
                await context.StartAsync(id).ConfigureAwait(false);
                break;
            case ModelOperation.Stop:
                await context.StopAsync(id).ConfigureAwait(false);
                break;
            case ModelOperation.Restart:
                await context.RestartAsync(id).ConfigureAwait(false);
                break;
            case ModelOperation.Pause:
                await context.Backend.Get<IPausing>().PauseAsync(id, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Resume:
                await context.Backend.Get<IPausing>().ResumeAsync(id, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Reset:
                await context.Backend.Get<IReset>().ResetAsync(id, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Label:
                await LabelAsync(id, _model[step.Slot].Label).ConfigureAwait(false);
                break;
            case ModelOperation.StalePlan:
                var plan = await compute.PlanAsync(id, new InstanceChange { Description = "stale" }, token).ConfigureAwait(false);
                await LabelAsync(id, _model[step.Slot].Label).ConfigureAwait(false);
                await compute.ApplyAsync(plan, new ApplyOptions { Accept = CheckContext.Everything }, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
                break;
            case ModelOperation.Crash:
                await CrashAsync(id).ConfigureAwait(false);
                break;
            case ModelOperation.Delete or ModelOperation.DeleteRunning:
                await context.DeleteAsync(id, stopFirst: step.Operation == ModelOperation.DeleteRunning).ConfigureAwait(false);
                break;
        }
    }

    private async Task CrashAsync(InstanceId id)
    {
        var guests = context.Target.Guests ?? throw new CheckFailedException("The target crashes nothing, and cannot run a sequence that does.");
        if ((await context.GetAsync(id).ConfigureAwait(false)).State is var state && state != PowerState.Running && state != PowerState.Paused)
            return;
        await guests.CrashAsync(id, context.Token).ConfigureAwait(false);
        await context.EventuallyAsync("A crash being seen", () => context.GetAsync(id), static instance => instance.State == PowerState.Crashed).ConfigureAwait(false);
    }

    private Task<Instance> LabelAsync(InstanceId id, int value) => context.ChangeAsync(id, change => change.Labels["times"] = value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Compares all instances: a step on one must not touch the others.</summary>
    private async Task<string?> CompareAsync(int changed)
    {
        var listed = await context.ListOwnAsync().ConfigureAwait(false);
        for (int slot = 0; slot < ModelStep.Slots; slot++)
        {
            var model = _model[slot];
            string name = new ModelStep(default, slot).Name.ToString();
            var found = listed.Where(instance => instance.Name == _names[slot].ToString()).ToList();
            if (found.Count != (model.Exists ? 1 : 0))
                return $"'{name}' is listed {found.Count} times; it must be listed {(model.Exists ? "once" : "never")}";
            if (!model.Exists)
                continue;
            if (found[0].State != model.State)
                return $"'{name}' is {found[0].State}{(slot == changed ? "" : ", which the step was not about")}; it must be {model.State}";
            string label = found[0].Labels.GetValueOrDefault("times", "0");
            if (label != model.Label.ToString(CultureInfo.InvariantCulture))
                return $"the label of '{name}' is {label}; it must be {model.Label}";
        }

        return null;
    }
}
