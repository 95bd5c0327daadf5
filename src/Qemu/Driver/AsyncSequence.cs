using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>Asynchronous sequences.</summary>
internal static class AsyncSequence
{
    /// <summary>A sequence that ends when a token says so.</summary>
    public static async IAsyncEnumerable<T> ToAsync<T>(this ConfiguredCancelableAsyncEnumerable<T> items)
    {
        await foreach (var item in items.ConfigureAwait(false))
            yield return item;
    }
}
