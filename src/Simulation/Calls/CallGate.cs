using Hypervisor.Sdk.Simulation.Faults;
using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>Where every call of a client passes: it takes its time on the way, may be lost on it, and leaves its lines in the trace.</summary>
internal sealed class CallGate(World world)
{
    private readonly List<CallFault> _faults = [];

    /// <summary>Makes a call.</summary>
    /// <param name="client">Who calls.</param>
    /// <param name="action">What: a word of <see cref="Works.WorkKinds"/>, <c>find</c> or <c>list</c>.</param>
    /// <param name="subject">To what; empty for nothing in particular.</param>
    /// <param name="arguments">The rest, for the trace; called when it is kept.</param>
    /// <param name="body">Carries it out, within the loop.</param>
    public Task<T> EnterAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<Task<T>> body) => world.WaitAsync(() => CallAsync(client, action, subject, arguments, body));

    /// <summary>Lets something befall calls from now on, after what was said before.</summary>
    public void AddFault(CallFault fault) => _faults.Add(fault);

    private async Task<T> CallAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<Task<T>> body)
    {
        client.ThrowIfClosed();
        foreach (var fault in _faults)
            fault.Announce();
        if (world.Options.TraceCalls)
            world.Note("call", subject, arguments is null ? action : $"{action} {arguments()}");
        try
        {
            var latency = world.Draw(world.Options.Durations.Call, "call");
            bool isReplyLost = false;
            if (_faults.Count > 0)
                (latency, isReplyLost) = Befall(action, subject, latency);
            if (latency > TimeSpan.Zero)
                await new LoopDelay(world.Loop, latency);
            var result = await body().ConfigureAwait(false);
            if (!isReplyLost)
                client.SetConnected(true);
            return isReplyLost ? throw Lost($"The connection ended before the answer to '{action}' came.") : result;
        }
        catch (HypervisorException error)
        {
            client.SetConnected(error is not BackendConnectionException, error);
            world.Note("refused", subject, $"{action} {error.Code} {error.Outcome}");
            throw;
        }
    }

    /// <summary>Lets the faults happen that this call meets.</summary>
    private (TimeSpan Latency, bool IsReplyLost) Befall(string action, string subject, TimeSpan latency)
    {
        bool isReplyLost = false;
        _faults.RemoveAll(static fault => fault.IsOver);
        foreach (var fault in _faults)
        {
            if (!fault.Strikes(action, subject))
                continue;
            switch (fault.Kind)
            {
                case FaultKind.Latency:
                    latency += fault.Draw();
                    break;
                case FaultKind.LostReply:
                    isReplyLost = true;
                    break;
                case FaultKind.LostRequest:
                    throw Lost($"The connection ended before the answer to '{action}' came.");
                case FaultKind.Reset:
                    world.Events.Gap("The connection was reset. List again.");
                    throw Connection($"The connection was reset before '{action}' was sent.", RequestOutcome.NotSent);
                case FaultKind.LockRefused:
                    throw world.Error(ErrorCode.Locked, RequestOutcome.Rejected, $"The backend could not get its lock for '{action}'. Try again.", null, about: subject);
            }
        }

        return (latency, isReplyLost);
    }

    private BackendConnectionException Lost(string message) => Connection($"{message} Look the request up before it is repeated.", RequestOutcome.Unknown);

    private BackendConnectionException Connection(string message, RequestOutcome outcome) => new(message, ErrorCode.Unavailable, outcome) { Backend = world.Name };
}
