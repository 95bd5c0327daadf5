using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>The store in memory, which is also the model that the others are compared with.</summary>
public sealed class InMemoryStoreTests : StoreConformance
{
    protected override Task<Func<IJobStore>> PrepareAsync() => Task.FromResult<Func<IJobStore>>(() => new InMemoryJobStore());

    protected override bool IsShared => false;
}
