using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>Where every call of a client passes: it takes its time on the way, may be lost on it, and leaves its lines in the trace.</summary>
internal sealed class CallGate(World world)
{
    /// <summary>Makes a call.</summary>
    /// <param name="client">Who calls.</param>
    /// <param name="action">What: a word of <see cref="Works.WorkKinds"/>, <c>find</c> or <c>list</c>.</param>
    /// <param name="subject">To what; empty for nothing in particular.</param>
    /// <param name="arguments">The rest, for the trace; called when it is kept.</param>
    /// <param name="body">Carries it out, within the loop.</param>
    public Task<T> EnterAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<Task<T>> body) => world.WaitAsync(() => CallAsync(client, action, subject, arguments, body));

    private async Task<T> CallAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<Task<T>> body)
    {
        client.ThrowIfClosed();
        if (world.Options.TraceCalls)
            world.Note("call", subject, arguments is null ? action : $"{action} {arguments()}");
        try
        {
            var latency = world.Draw(world.Options.Durations.Call, "call");
            if (latency > TimeSpan.Zero)
                await new LoopDelay(world.Loop, latency);
            return await body().ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            world.Note("refused", subject, $"{action} {error.Code} {error.Outcome}");
            throw;
        }
    }
}
