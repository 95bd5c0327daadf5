using System.Runtime.CompilerServices;
using System.Text.Json;
using Hypervisor.Sdk.Remote.Sessions;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>A call that is being put together, and then made once.</summary>
/// <param name="calls">The backend's calls.</param>
/// <param name="name">The service's word and the call.</param>
/// <param name="changes">Whether it changes something.</param>
/// <param name="session">The open call that it is about, whose connection it must take.</param>
internal sealed class RemoteCall(RemoteCalls calls, string name, bool changes, Exchange? session)
{
    private readonly ValueWriter _arguments = calls.Json.Write();

    public string Name => name;

    /// <summary>Adds an argument.</summary>
    public RemoteCall With<T>(T? argument)
    {
        _arguments.Add(argument);
        return this;
    }

    /// <summary>Adds several values as one argument.</summary>
    public RemoteCall WithMany<T>(IEnumerable<T> argument)
    {
        _arguments.AddMany(argument);
        return this;
    }

    /// <summary>Makes the call and returns what it answers.</summary>
    public async Task<T> SendAsync<T>(CancellationToken cancellationToken)
    {
        var answer = await RunAsync(false, cancellationToken).ConfigureAwait(false);
        return Read(answer.Payload, static values => values.Next<T>());
    }

    /// <summary>Makes a call that may answer nothing.</summary>
    public async Task<T?> FindAsync<T>(CancellationToken cancellationToken)
    {
        var answer = await RunAsync(false, cancellationToken).ConfigureAwait(false);
        return Read(answer.Payload, static values => values.Find<T>());
    }

    /// <summary>Makes a call that answers several values.</summary>
    public async Task<T> ReadAsync<T>(Func<ValueReader, T> read, CancellationToken cancellationToken) => Read((await RunAsync(false, cancellationToken).ConfigureAwait(false)).Payload, read);

    /// <summary>Makes a call that answers that it is done.</summary>
    public Task SendAsync(CancellationToken cancellationToken) => RunAsync(false, cancellationToken);

    /// <summary>Makes a call that answers bytes.</summary>
    public async Task<byte[]> FetchAsync(CancellationToken cancellationToken) => (await RunAsync(false, cancellationToken).ConfigureAwait(false)).Payload;

    /// <summary>Makes a call that begins work.</summary>
    public async Task<Operation> BeginAsync(CancellationToken cancellationToken) => RemoteWork.Make(await OpenAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>Makes a call that begins work with a result.</summary>
    public async Task<Operation<T>> BeginAsync<T>(CancellationToken cancellationToken) => RemoteWork.Make<T>(await OpenAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>Makes a call that stays open.</summary>
    /// <param name="cancellationToken">Gives up until it is open.</param>
    /// <param name="progress">Who is told how far it is.</param>
    public async Task<RemoteSession> OpenAsync(CancellationToken cancellationToken, IProgress<TransferProgress>? progress = null)
    {
        var (exchange, payload) = await RunAsync(true, cancellationToken, progress).ConfigureAwait(false);
        return new RemoteSession(calls, this, exchange, payload);
    }

    /// <summary>Makes a call that answers a list, item for item.</summary>
    public async IAsyncEnumerable<T> ListAsync<T>([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            while (await session.ReceiveAsync(cancellationToken).ConfigureAwait(false) is { } some)
            {
                foreach (var item in Read(some, static values => values.Rest<T>()))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return item;
                }
            }
        }
    }

    /// <summary>Reads what was answered.</summary>
    public T Read<T>(ReadOnlyMemory<byte> payload, Func<ValueReader, T> read)
    {
        try
        {
            return read(calls.Json.Read(payload));
        }
        catch (JsonException error)
        {
            throw WireFailure.Unreadable(error, name, calls.Backend, changes);
        }
    }

    /// <summary>What the caller sees instead of a failure of the wire.</summary>
    public Exception Translate(Exception error, bool isSent, CancellationToken cancellationToken) => error switch
    {
        WireErrorException failed => WireFailure.Read(calls.Json, failed.Failure, name, calls.Backend, changes, cancellationToken),
        PeerLostException when calls.Link.State == BackendConnectionState.Closed => new ObjectDisposedException(typeof(RemoteBackend).FullName),
        PeerLostException lost => WireFailure.Lost(lost, name, calls.Backend, isSent, changes),
        _ => error,
    };

    private async Task<(Exchange Exchange, byte[] Payload)> RunAsync(bool isOpen, CancellationToken cancellationToken, IProgress<TransferProgress>? progress = null)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var arguments = _arguments.ToBytes();
        if (arguments.Length + name.Length >= WireProtocol.MaxFrameBytes - WireProtocol.HeaderBytes - 1)
            throw new HypervisorException($"What {name} is given takes {arguments.Length} bytes, and {WireProtocol.MaxFrameBytes} go into a message.", ErrorCode.InvalidArgument, RequestOutcome.NotSent) { Backend = calls.Backend };
        for (bool isAgain = false; ; isAgain = true)
        {
            var peer = session?.Peer ?? await calls.Link.GetAsync(cancellationToken).ConfigureAwait(false);
            var exchange = new Exchange(peer, name, isOpen, arguments) { Progress = progress };
            try
            {
                await peer.CallAsync(exchange, cancellationToken).ConfigureAwait(false);
                byte[] answer = await AnswerAsync(exchange, cancellationToken).ConfigureAwait(false);
                if (!isOpen || !exchange.IsCancelSent)
                    return (exchange, answer);
                // It was opened and cancelled at the same time: the other end closes it again, and nobody has it.
                await ((Task)exchange.Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw new OperationCanceledException(cancellationToken);
            }
            catch (PeerLostException) when (!exchange.IsSent && session is null && !isAgain)
            {
                // Nothing of it was sent: once more, over the next connection.
            }
            catch (Exception error) when (error is PeerLostException or WireErrorException)
            {
                throw Translate(error, exchange.IsSent, cancellationToken);
            }
        }
    }

    /// <summary>What changes something is waited for after it was cancelled as well: when this throws, the other end has let go of it, and what became of it can be looked up.</summary>
    private async Task<byte[]> AnswerAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(static exchange => ((Exchange)exchange!).Cancel(), exchange);
        await using (registration.ConfigureAwait(false))
            return await (changes ? exchange.Answered : exchange.Answered.WaitAsync(cancellationToken)).ConfigureAwait(false);
    }
}
