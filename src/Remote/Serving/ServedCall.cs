using System.IO.Pipelines;
using System.Text.Json;
using Hypervisor.Sdk.Remote.Sessions;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>A call of the other end that is being carried out.</summary>
internal sealed class ServedCall(IBackend backend, Exchange exchange, WireJson json, ServedOperations operations)
{
    private readonly ValueReader _arguments = json.ReadStrict(exchange.Arguments);

    public IBackend Backend => backend;

    /// <summary>The work that was begun on this connection.</summary>
    public ServedOperations Operations => operations;

    /// <summary>Cancelled when the caller wants it no more, or is gone.</summary>
    public CancellationToken Token => exchange.Token;

    /// <summary>The next argument.</summary>
    public T Next<T>() => _arguments.Next<T>();

    /// <summary>The next argument, which may be missing.</summary>
    public T? Find<T>() => _arguments.Find<T>();

    /// <summary>The next argument, which is several values.</summary>
    public IReadOnlyList<T> NextMany<T>() => _arguments.NextMany<T>();

    /// <summary>What the open call that the next argument names is about; null when it is over.</summary>
    public T? FindSubject<T>()
        where T : class => exchange.Peer.Subject(Next<ulong>()) as T;

    /// <summary>What the open call that the next argument names is about.</summary>
    public T NextSubject<T>()
        where T : class => FindSubject<T>() ?? throw new HypervisorException("What the call is about was closed.", ErrorCode.InvalidState, RequestOutcome.Rejected);

    public ValueWriter Write() => json.Write();

    /// <summary>Says that the call is open.</summary>
    public ValueTask OpenedAsync(ValueWriter? result = null, object? subject = null) => exchange.OpenedAsync((result ?? json.Write()).ToBytes(), subject);

    /// <summary>Sends bytes.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => exchange.SendBytesAsync(bytes, Token);

    /// <summary>Sends bytes as one message.</summary>
    public ValueTask SendMessageAsync(ReadOnlyMemory<byte> message) => exchange.SendAsync(message, Token);

    /// <summary>The next bytes of the caller; null at the end.</summary>
    public ValueTask<byte[]?> ReceiveAsync(CancellationToken cancellationToken) => exchange.ReceiveAsync(cancellationToken);

    /// <summary>What the caller sends, as a stream.</summary>
    public Stream Content() => new MessageStream(exchange.ReceiveAsync, null);

    /// <summary>Tells the caller how far it is, where he wants to know.</summary>
    public IProgress<TransferProgress>? Progress(bool isWanted) => isWanted ? new ServedProgress(exchange, json) : null;

    /// <summary>Sends a list: as many of its items in a message as are there, so that none waits for the next.</summary>
    public async Task SendAllAsync<T>(IAsyncEnumerable<T> list)
    {
        var items = list.GetAsyncEnumerator(Token);
        await using (items.ConfigureAwait(false))
        {
            var some = json.Write();
            bool isEmpty = true;
            while (true)
            {
                var next = items.MoveNextAsync();
                if (!isEmpty && (!next.IsCompleted || some.Bytes >= WireProtocol.ChunkBytes))
                {
                    await exchange.SendAsync(some.ToBytes(), Token).ConfigureAwait(false);
                    some = json.Write();
                    isEmpty = true;
                }

                if (!await next.ConfigureAwait(false))
                    break;
                some.Add(items.Current);
                isEmpty = false;
            }

            if (!isEmpty)
                await exchange.SendAsync(some.ToBytes(), Token).ConfigureAwait(false);
        }
    }

    /// <summary>Carries bytes both ways until the session has ended, or the caller ends it.</summary>
    /// <param name="session">What is carried.</param>
    /// <param name="completion">Whether and how the session has ended; null where only its bytes say so.</param>
    public async Task CarryAsync(IDuplexPipe session, Task? completion)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var input = ReceiveAllAsync(session.Output, ending);
        var output = SendAllAsync(session.Input, ending.Token);
        // What the guest prints is sent to its end; that the caller types no more ends nothing.
        await output.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ending.CancelAsync().ConfigureAwait(false);
        await input.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Token.ThrowIfCancellationRequested();
        if (completion is not null)
            await completion.WaitAsync(Token).ConfigureAwait(false);
        foreach (var copy in (Task[])[output, input])
        {
            if (copy.IsFaulted)
                await copy.ConfigureAwait(false);
        }
    }

    private async Task SendAllAsync(PipeReader reader, CancellationToken ending)
    {
        while (true)
        {
            var read = await reader.ReadAsync(ending).ConfigureAwait(false);
            foreach (var bytes in read.Buffer)
                await exchange.SendBytesAsync(bytes, ending).ConfigureAwait(false);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted || read.IsCanceled)
                return;
        }
    }

    private async Task ReceiveAllAsync(PipeWriter writer, CancellationTokenSource ending)
    {
        try
        {
            while (await exchange.ReceiveAsync(ending.Token).ConfigureAwait(false) is { } bytes)
            {
                if ((await writer.WriteAsync(bytes, ending.Token).ConfigureAwait(false)).IsCompleted)
                    return;
            }

            if (!Token.IsCancellationRequested)
                await writer.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // What is typed can go nowhere any more.
            await ending.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }
}
