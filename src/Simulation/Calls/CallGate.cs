using System.Globalization;
using Hypervisor.Sdk.Simulation.Faults;
using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>Where every call of a client passes: it takes its time on the way, may be lost on it, and leaves its lines in the trace.</summary>
internal sealed class CallGate(World world)
{
    private readonly List<CallFault> _faults = [];
    private readonly Dictionary<long, (string Subject, CancellationTokenSource Source)> _cancellable = [];
    private bool _isKeeping;
    private long _calls;
    private long _announced;

    /// <summary>Makes a call.</summary>
    /// <param name="client">Who calls.</param>
    /// <param name="action">What: a word of <see cref="Works.WorkKinds"/>, <c>find</c> or <c>list</c>.</param>
    /// <param name="subject">To what; empty for nothing in particular.</param>
    /// <param name="arguments">The rest, for the trace; called when it is kept.</param>
    /// <param name="body">Carries it out, within the loop.</param>
    public Task<T> EnterAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<Task<T>> body) => world.WaitAsync(() => CallAsync(client, action, subject, arguments, body));

    /// <summary>Makes a call that its caller can cancel while it waits.</summary>
    /// <param name="client">Who calls.</param>
    /// <param name="action">What: a word of <see cref="Works.WorkKinds"/>.</param>
    /// <param name="subject">To what.</param>
    /// <param name="arguments">The rest, for the trace; called when it is kept.</param>
    /// <param name="body">Carries it out, within the loop; its token is cancelled there, after the line that says so.</param>
    /// <param name="cancellationToken">The caller's. The call leaves no line when it is cancelled already.</param>
    public Task<T> EnterAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<CancellationToken, Task<T>> body, CancellationToken cancellationToken) =>
        world.WaitAsync(() => cancellationToken.CanBeCanceled || _isKeeping ? CancellableAsync(client, action, subject, arguments, body, cancellationToken) : CallAsync(client, action, subject, arguments, () => body(default)));

    /// <summary>From now on calls without a token can be cancelled too, by <see cref="Cancel"/>: a replay does that, nobody else needs it.</summary>
    public void Keep() => _isKeeping = true;

    /// <summary>Whoever made a call wants it no more; nothing happens when it has been answered. Within the loop.</summary>
    /// <param name="number">The how-manieth call it is, from 1 on.</param>
    public void Cancel(long number)
    {
        if (!_cancellable.Remove(number, out var call))
            return;
        if (world.Options.TraceCalls)
            world.Note("cancel-call", call.Subject, number.ToString(CultureInfo.InvariantCulture));
        call.Source.Cancel();
    }

    /// <summary>Whether a call of a number was made.</summary>
    public bool HasMade(long number) => number >= 1 && number <= _calls;

    /// <summary>Lets something befall calls from now on, after what was said before.</summary>
    public void AddFault(CallFault fault) => _faults.Add(fault);

    /// <summary>The number of the next fault that is announced, from 1 on.</summary>
    public long NumberFault() => ++_announced;

    /// <summary>Ends the fault of a number; nothing happens when it is over.</summary>
    /// <returns>Whether one of that number was announced.</returns>
    public bool EndFault(long number)
    {
        _faults.Find(fault => fault.Number == number)?.End();
        return number >= 1 && number <= _announced;
    }

    private async Task<T> CancellableAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<CancellationToken, Task<T>> body, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var source = new CancellationTokenSource();
        var token = source.Token;
        long number = _calls + 1;
        var call = CallAsync(client, action, subject, arguments, () =>
        {
            token.ThrowIfCancellationRequested();
            return body(token);
        });
        CancellationTokenRegistration registration = default;
        try
        {
            // The line of the call is written by now: a token that is cancelled at this moment leaves its own after it.
            if (!call.IsCompleted)
            {
                _cancellable.Add(number, (subject, source));
                registration = cancellationToken.UnsafeRegister(_ => world.Loop.Post(() => Cancel(number)), null);
            }

            return await call.ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (source.IsCancellationRequested)
        {
            throw new OperationCanceledException(error.Message, error, cancellationToken);
        }
        finally
        {
            // Without waiting for a callback that runs elsewhere: what it posts finds nothing any more.
            registration.Unregister();
            _cancellable.Remove(number);
        }
    }

    private async Task<T> CallAsync<T>(SimulationClient client, string action, string subject, Func<string>? arguments, Func<Task<T>> body)
    {
        client.ThrowIfClosed();
        _calls++;
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
