using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>
/// The work that was begun on one connection: each is an open call until somebody waits for it, and then until it has ended. When many are begun for which nobody waits, they are waited for here, so that no caller has to say that he
/// has forgotten one.
/// </summary>
internal sealed class ServedOperations
{
    private const int MaxUnawaited = 256;

    private int _unawaited;

    /// <summary>Keeps work open, and ends the call with its end.</summary>
    public Task<ReadOnlyMemory<byte>> KeepAsync(ServedCall call, Operation operation) => KeepAsync(call, call.Write(), operation);

    /// <summary>Keeps work that a token led to, or says that there is none.</summary>
    public async Task<ReadOnlyMemory<byte>> KeepFoundAsync(ServedCall call, Operation? operation)
    {
        if (operation is not null)
            return await KeepAsync(call, call.Write().Add(true), operation).ConfigureAwait(false);
        await call.OpenedAsync(call.Write().Add(false)).ConfigureAwait(false);
        return default;
    }

    private async Task<ReadOnlyMemory<byte>> KeepAsync(ServedCall call, ValueWriter opened, Operation operation)
    {
        var kept = new ServedOperation(operation);
        await call.OpenedAsync(opened.Add(operation.Token).Add(operation.RequestId).Add(RemoteWork.KindOf(operation)), kept).ConfigureAwait(false);
        try
        {
            if (Interlocked.Increment(ref _unawaited) <= MaxUnawaited)
                await kept.Awaited.WaitAsync(call.Token).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _unawaited);
        }

        var end = call.Write();
        HypervisorException? failure = null;
        try
        {
            await operation.WaitAsync(call.Token).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            failure = error;
        }

        end.Add(failure).Add(await operation.GetProgressAsync(call.Token).ConfigureAwait(false));
        if (failure is null)
            await AddResultAsync(end, operation, call.Token).ConfigureAwait(false);
        return end.ToBytes();
    }

    private static async Task AddResultAsync(ValueWriter end, Operation operation, CancellationToken cancellationToken) => _ = operation switch
    {
        Operation<Instance> work => end.Add(await work.WaitAsync(cancellationToken).ConfigureAwait(false)),
        Operation<Snapshot> work => end.Add(await work.WaitAsync(cancellationToken).ConfigureAwait(false)),
        Operation<Volume> work => end.Add(await work.WaitAsync(cancellationToken).ConfigureAwait(false)),
        Operation<StoragePool> work => end.Add(await work.WaitAsync(cancellationToken).ConfigureAwait(false)),
        _ => end,
    };
}
