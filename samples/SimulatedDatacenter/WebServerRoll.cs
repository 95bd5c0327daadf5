using Hypervisor.Sdk;

namespace Samples.SimulatedDatacenter;

/// <summary>
/// Code as an application has it: gives every web server another size, one after the other, and goes on through whatever breaks meanwhile. It knows the interfaces only, and takes its time from a
/// <see cref="TimeProvider"/>: that is all it takes to be tested in a simulated data centre.
/// </summary>
internal sealed class WebServerRoll(IHypervisor hypervisor, TimeProvider time)
{
    private static readonly InstanceFilter s_webServers = new() { Labels = new Dictionary<string, string> { ["role"] = "web" } };
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(30);

    /// <summary>Rolls all of them.</summary>
    /// <param name="count">How many there are: one that cannot be seen is waited for.</param>
    /// <param name="size">The size that each is to have.</param>
    public async Task RunAsync(int count, Sizing.Explicit size)
    {
        foreach (var id in await FindAllAsync(count))
        {
            // The same requests again after a lost reply: they are the same effects, and never happen twice.
            var restart = new RequestOptions { RequestId = RequestId.New(time) };
            while (!await TryRollAsync(id, size, restart))
                await Task.Delay(s_pause, time);
        }
    }

    private async Task<IReadOnlyList<InstanceId>> FindAllAsync(int count)
    {
        while (true)
        {
            var found = new List<InstanceId>();
            await foreach (var instance in hypervisor.List(s_webServers))
                found.Add(instance.Id);
            if (found.Count == count)
                return found;
            await Task.Delay(s_pause, time);
        }
    }

    /// <returns>False when it has to be tried again.</returns>
    private async Task<bool> TryRollAsync(InstanceId id, Sizing.Explicit size, RequestOptions restart)
    {
        try
        {
            var server = await hypervisor.GetAsync(id);
            if (server.Memory != size.Memory)
                await hypervisor.ChangeAsync(id, new InstanceChange { Sizing = size }, new ApplyOptions { Accept = ChangeEffects.Live | ChangeEffects.AtNextStart }).WaitForCompletionAsync();
            server = await hypervisor.GetAsync(id);
            if (server.State != PowerState.Running)
                server = await hypervisor.StartAsync(id).WaitForCompletionAsync();
            else if (server.HasPendingChanges)
                server = await hypervisor.RestartAsync(id, null, restart).WaitForCompletionAsync();
            return !server.HasPendingChanges && await HasComeUpAsync(id);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Unavailable || error.Code == ErrorCode.Locked || error.Code == ErrorCode.Conflict)
        {
            return false;
        }
    }

    /// <summary>A web server is up when its guest has an address.</summary>
    private async Task<bool> HasComeUpAsync(InstanceId id)
    {
        for (int i = 0; i < 10; i++)
        {
            var server = await hypervisor.GetAsync(id);
            if (server.State == PowerState.Running && server.Networks.Any(network => network.Addresses.Count > 0))
                return true;
            await Task.Delay(s_pause, time);
        }

        return false;
    }
}
