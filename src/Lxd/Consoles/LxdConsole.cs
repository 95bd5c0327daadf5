using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Consoles;

/// <summary>
/// Consoles of containers: an operation of the server with one WebSocket for what is printed and typed, and one for control. A server has one session of a console. Incus refuses another, or ends the one for the other where that is asked for; LXD begins
/// another and has it fail, so it is looked before whether there is one.
/// </summary>
/// <remarks>
/// The log is what this process has read of it (<see cref="LxdConsoleLogs"/>). Not in it is what another client has taken (<c>lxc console --show-log</c>, or a process of this library that ran before), what was printed beyond the server's buffer (128 KiB)
/// between two reads, and what is older than the last MiB. What a server keeps of a container that has stopped may begin with runs before its last one, so the log does where this process has read none of it while it ran.
/// </remarks>
internal sealed class LxdConsole(LxdParts parts, ContainerWork work) : ISerialConsole, IAsyncDisposable
{
    private const string NoFile = "no such file";

    /// <summary>The operation of a console, as the servers describe it.</summary>
    private const string Showing = "Showing console";

    private const int Running = 103;
    private const int BufferBytes = 32 << 10;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestRead = TimeSpan.FromMinutes(2);

    /// <summary>A container that stops loses its console before the server says that it has stopped.</summary>
    private static readonly TimeSpan s_longestStop = TimeSpan.FromMinutes(2);

    private readonly SerialPorts<InstanceId> _ports = new(parts.Name);

    public async Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ConsoleOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Port, nameof(options));
        var facts = await work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        if (facts.State != PowerState.Running)
            throw Refusal.InvalidState(id, $"'{id}' is {facts.State} and has no console now.");
        if (options.Port > 0)
            throw new HypervisorException($"'{id}' has one console; there is no port {options.Port} (they count from 0).", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"instance {id}" };
        return await _ports.OpenAsync(id, id, id.ToString(), options, () => ConnectAsync(facts, options, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    public async Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default)
    {
        if (tailBytes is { } wanted)
            ArgumentOutOfRangeException.ThrowIfNegative(wanted, nameof(tailBytes));
        await work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        return new MemoryStream(await ReadLogAsync(id, tailBytes ?? LxdConsoleLogs.MaxBytes, cancellationToken).ConfigureAwait(false), writable: false);
    }

    public ValueTask DisposeAsync() => _ports.DisposeAsync();

    /// <summary>A session that the server has begun is let go of, also by who does not wait for it any longer.</summary>
    private async Task<SerialSession> ConnectAsync(ContainerFacts facts, ConsoleOptions options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var connecting = ConnectAsync(facts, options);
        try
        {
            return await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _ = LetGoAsync(connecting);
            throw;
        }
    }

    private static async Task LetGoAsync(Task<SerialSession> connecting)
    {
        await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (connecting.IsCompletedSuccessfully)
            await (await connecting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
    }

    private async Task<SerialSession> ConnectAsync(ContainerFacts facts, ConsoleOptions options)
    {
        var line = await BeginAsync(facts.Id, options.TakeOver).ConfigureAwait(false);
        try
        {
            // Read after connecting: what was printed in between comes twice rather than never.
            byte[] replay = options.ReplayTail.Bytes > 0 ? await ReadLogAsync(facts.Id, options.ReplayTail.Bytes, CancellationToken.None).ConfigureAwait(false) : [];
            return new LxdConsoleSession(line, replay, () => BeginAsync(facts.Id, takeOver: false), (isTaken, token) => WhyEndedAsync(facts, isTaken, token));
        }
        catch
        {
            await line.LetGoAsync(isOver: false).ConfigureAwait(false);
            throw;
        }
    }

    private async Task<LxdConsoleLine> BeginAsync(InstanceId id, bool takeOver)
    {
        bool canTakeOver = parts.Client.Offers("console_force");
        if (!canTakeOver && await IsOpenAsync(id).ConfigureAwait(false))
            throw _ports.Locked(id, id.ToString(), "another session, which this server ends for nobody");
        var wanted = new LxdInstanceConsolePost { Type = "console", Width = 80, Height = 24, Force = canTakeOver && takeOver ? true : null };
        try
        {
            return await LxdConsoleLine.ConnectAsync(parts.Client, await parts.Client.InstanceConsolePostAsync(id.ToString(), wanted, cancellationToken: CancellationToken.None).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.Locked)
        {
            throw _ports.Locked(id, id.ToString(), "another session; ask to take it over", error);
        }
    }

    /// <summary>Whether there is a session of a container's console at the server.</summary>
    private async Task<bool> IsOpenAsync(InstanceId id)
    {
        var operations = (await parts.Client.OperationsGetRecursion1Async(cancellationToken: CancellationToken.None).ConfigureAwait(false)).Value;
        string instance = $"/1.0/instances/{id}";
        return operations.Values.SelectMany(some => some)
            .Any(operation => operation is { Description: Showing, StatusCode: Running, Resources: { } resources } && resources.Values.Any(paths => paths.Any(path => path.Split('?')[0] == instance)));
    }

    /// <summary>Why the server has ended a session. Where it was taken over, Incus says of its operation that it was cancelled or that it has succeeded, and there is another.</summary>
    private async Task<HypervisorException> WhyEndedAsync(ContainerFacts facts, bool isTaken, CancellationToken closed)
    {
        for (long ended = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(ended) < s_longestStop && !isTaken && !closed.IsCancellationRequested;)
        {
            var now = await parts.Containers.FindAsync(facts.Id, CancellationToken.None).ConfigureAwait(false);
            if (now is null || now.State != PowerState.Running || now.Run != facts.Run)
                return new HypervisorException("The container has stopped.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"instance {facts.Id}" };
            isTaken = await IsOpenAsync(facts.Id).ConfigureAwait(false);
            if (!isTaken)
                await Task.Delay(s_pause, closed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return isTaken
            ? new HypervisorException($"The console of '{facts.Id}' was closed by the server: another session has it.", ErrorCode.Locked, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"instance {facts.Id}" }
            : new BackendConnectionException($"The console of '{facts.Id}' was closed by the server, or the connection to it was lost.", ErrorCode.Unavailable, RequestOutcome.Unknown) { Backend = parts.Name, Resource = $"instance {facts.Id}" };
    }

    private Task<byte[]> ReadLogAsync(InstanceId id, long maxBytes, CancellationToken cancellationToken) =>
        parts.Memory.Consoles.ReadAsync(id, maxBytes, () => parts.Containers.FindAsync(id, CancellationToken.None), piece => TakeAsync(id, piece), cancellationToken);

    private async Task TakeAsync(InstanceId id, LxdConsoleLogs.Piece piece)
    {
        using var patience = new CancellationTokenSource(s_longestRead);
        try
        {
            var response = await parts.Client.InstanceConsoleGetAsync(id.ToString(), cancellationToken: patience.Token).ConfigureAwait(false);
            var stream = new ResponseStream(response);
            await using (stream.ConfigureAwait(false))
            {
                byte[] buffer = new byte[BufferBytes];
                while (await stream.ReadAsync(buffer, patience.Token).ConfigureAwait(false) is > 0 and var count)
                    piece.Append(buffer.AsSpan(0, count));
            }
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound || error.BackendMessage?.Contains(NoFile, StringComparison.OrdinalIgnoreCase) is true)
        {
            // It has printed nothing, or nothing since the last read: LXD has no file to give then.
        }
        catch (IOException error)
        {
            throw new BackendConnectionException($"The connection was lost while the server said what the console of '{id}' has printed: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Unknown, error) { Backend = parts.Name };
        }
        catch (OperationCanceledException error)
        {
            throw new BackendConnectionException($"The server has not said within {s_longestRead.TotalSeconds:0} s what the console of '{id}' has printed.", ErrorCode.Timeout, RequestOutcome.Unknown, error) { Backend = parts.Name };
        }
    }
}
