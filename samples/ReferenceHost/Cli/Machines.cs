namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Stops or deletes the machines in the state directory. What other servers run is not this host's to stop: it was there before, and is there after.</summary>
internal static class Machines
{
    /// <summary>The backend whose machines are in the state directory.</summary>
    public const string Own = "local";

    private static readonly StopOptions s_stop = new() { GracePeriod = TimeSpan.FromSeconds(10) };

    /// <returns>How many ran.</returns>
    public static async Task<int> StopAllAsync(IBackendRegistry backends)
    {
        int stopped = 0;
        await ForAllAsync(backends, async (compute, machine) =>
        {
            if (machine.State == PowerState.Stopped)
                return;
            await compute.StopAsync(machine.Id, s_stop).WaitForCompletionAsync();
            Interlocked.Increment(ref stopped);
        });
        return stopped;
    }

    public static Task DeleteAllAsync(IBackendRegistry backends) => ForAllAsync(backends, (compute, machine) => compute.DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync());

    private static async Task ForAllAsync(IBackendRegistry backends, Func<ICompute, Instance, Task> action)
    {
        var hypervisor = (await backends.GetAsync(BackendName.Parse(Own))).Get<IHypervisor>();
        var machines = new List<Instance>();
        await foreach (var machine in hypervisor.List())
            machines.Add(machine);
        await Task.WhenAll(machines.Select(machine => action(hypervisor, machine)));
    }
}
