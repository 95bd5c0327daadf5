using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>A list that is read page by page over there.</summary>
internal sealed class RemotePages<T>(Func<RemoteCall> call) : PagedList<T>
{
    public override Task<Page<T>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default) => call().With(continuation).With(maxItems).ReadAsync(
        static values => new Page<T> { Items = values.NextMany<T>(), Continuation = values.Find<string>(), Position = values.Find<EventPosition?>(), Unreachable = values.NextMany<HypervisorException>() },
        cancellationToken);
}
