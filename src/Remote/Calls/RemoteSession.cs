using Hypervisor.Sdk.Remote.Sessions;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>An open call: what it carries, what is asked about it, and its end.</summary>
internal sealed class RemoteSession(RemoteCalls calls, RemoteCall call, Exchange exchange, byte[] opened) : IOpenCall
{
    public RemoteCalls Calls => calls;

    /// <summary>What was answered when it was opened.</summary>
    public ValueReader Opened { get; } = call.Read(opened, static values => values);

    /// <summary>Whether its connection is lost.</summary>
    public bool IsLost => !exchange.Peer.IsAlive;

    /// <summary>A call that is about it and changes nothing.</summary>
    public RemoteCall Ask(string name) => new RemoteCall(calls, name, changes: false, exchange).With(exchange.Id);

    /// <summary>A call that is about it and changes something.</summary>
    public RemoteCall Change(string name) => new RemoteCall(calls, name, changes: true, exchange).With(exchange.Id);

    /// <summary>Reads values that it carries.</summary>
    public T Read<T>(ReadOnlyMemory<byte> values, Func<ValueReader, T> read) => call.Read(values, read);

    /// <summary>The next data; null at its end.</summary>
    public async ValueTask<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await exchange.ReceiveAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is PeerLostException or WireErrorException)
        {
            throw call.Translate(error, isSent: true, cancellationToken);
        }
    }

    /// <summary>Sends bytes.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await exchange.SendBytesAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (PeerLostException error)
        {
            throw call.Translate(error, isSent: true, cancellationToken);
        }
    }

    /// <summary>Says that no more bytes come.</summary>
    public async ValueTask EndInputAsync()
    {
        try
        {
            await exchange.EndInputAsync().ConfigureAwait(false);
        }
        catch (PeerLostException error)
        {
            throw call.Translate(error, isSent: true, CancellationToken.None);
        }
    }

    /// <summary>Waits until the other end has ended it.</summary>
    public async Task<ValueReader?> EndedAsync(CancellationToken cancellationToken)
    {
        try
        {
            byte[] end = await exchange.Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
            return end.Length == 0 ? null : call.Read(end, static values => values);
        }
        catch (Exception error) when (error is PeerLostException or WireErrorException)
        {
            throw call.Translate(error, isSent: true, cancellationToken);
        }
    }

    public Task CompletedAsync() => EndedAsync(CancellationToken.None);

    /// <summary>Whether it is over.</summary>
    public bool IsEnded => exchange.Ended.IsCompleted;

    /// <summary>Lets go of it without waiting.</summary>
    public void Abandon() => exchange.Cancel();

    /// <summary>Ends it, and waits until the other end has let go of it. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        exchange.Cancel();
        await ((Task)exchange.Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
