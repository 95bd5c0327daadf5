namespace Hypervisor.Sdk.Conformance;

/// <summary>Removes what checks have made: after each, and before the first what a run left that was killed.</summary>
internal static class Leftovers
{
    /// <summary>Removes every instance, volume and pool whose name begins with the prefix, and nothing else.</summary>
    public static async Task RemoveAsync(IBackend backend, ConformanceTarget target, string prefix, CancellationToken cancellationToken)
    {
        if (backend.TryGet<IHypervisor>(out var hypervisor))
            await RemoveInstancesAsync(hypervisor, target, prefix, cancellationToken).ConfigureAwait(false);
        if (backend.TryGet<IContainerRuntime>(out var runtime))
            await RemoveInstancesAsync(runtime, target, prefix, cancellationToken).ConfigureAwait(false);
        if (!backend.TryGet<IStorageBackend>(out var storage))
            return;
        if (target.Pool is { } pool)
            await RemoveVolumesAsync(storage, pool, prefix, cancellationToken).ConfigureAwait(false);
        if (backend.TryGet<IStoragePools>(out var pools))
            await RemovePoolsAsync(storage, pools, prefix, cancellationToken).ConfigureAwait(false);
    }

    private static Task RemoveInstancesAsync(ICompute compute, ConformanceTarget target, string prefix, CancellationToken cancellationToken) => RemoveAsync(
        "instance",
        token => compute.List().WithCancellation(token),
        static instance => (instance.Name, instance.Id.ToString()),
        async (instance, token) =>
        {
            if (target.Guests is { } guests)
                await guests.ThawAsync(instance.Id, token).ConfigureAwait(false);
            await compute.DeleteAsync(instance.Id, new DeleteOptions { StopFirst = true }, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
        },
        prefix,
        cancellationToken);

    private static Task RemoveVolumesAsync(IStorageBackend storage, PoolName pool, string prefix, CancellationToken cancellationToken) => RemoveAsync(
        "volume",
        token => storage.ListVolumes(pool).WithCancellation(token),
        static volume => (volume.Name, volume.Id.ToString()),
        (volume, token) => storage.DeleteAsync(volume.Id, null, token).WaitForCompletionAsync(token),
        prefix,
        cancellationToken);

    private static Task RemovePoolsAsync(IStorageBackend storage, IStoragePools pools, string prefix, CancellationToken cancellationToken) => RemoveAsync(
        "pool",
        token => storage.ListPoolsAsync(token).ConfigureAwait(false),
        static pool => (pool.Name.ToString(), pool.Name.ToString()),
        async (pool, token) =>
        {
            await RemoveVolumesAsync(storage, pool.Name, prefix, token).ConfigureAwait(false);
            await pools.DeletePoolAsync(pool.Name, null, token).WaitForCompletionAsync(token).ConfigureAwait(false);
        },
        prefix,
        cancellationToken);

    /// <summary>Clones go before what they lie upon, in an order that only the backend knows: it goes round as long as anything can be removed.</summary>
    private static async Task RemoveAsync<T>(
        string what, Func<CancellationToken, System.Runtime.CompilerServices.ConfiguredCancelableAsyncEnumerable<T>> list, Func<T, (string Name, string Id)> describe, Func<T, CancellationToken, Task> delete, string prefix,
        CancellationToken cancellationToken)
    {
        HypervisorException? last = null;
        int before = int.MaxValue;
        while (true)
        {
            var own = new List<T>();
            await foreach (var item in list(cancellationToken).ConfigureAwait(false))
            {
                if (describe(item).Name.StartsWith(prefix, StringComparison.Ordinal))
                    own.Add(item);
            }

            if (own.Count == 0)
                return;
            if (own.Count >= before)
                throw new CheckFailedException($"The {what} {string.Join(", ", own.Select(item => $"'{describe(item).Name}'"))} cannot be removed: {last?.Message ?? "it is still listed after it was deleted"}", last);
            before = own.Count;
            foreach (var item in own)
            {
                try
                {
                    await delete(item, cancellationToken).ConfigureAwait(false);
                }
                catch (HypervisorException error)
                {
                    last = error.Code == ErrorCode.NotFound ? last : error;
                }
            }
        }
    }
}
