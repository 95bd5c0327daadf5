using Hypervisor.Sdk.Jobs.Sqlite;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>The store in a SQLite file.</summary>
public sealed class SqliteStoreConformanceTests : StoreConformance, IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    protected override Task<Func<IJobStore>> PrepareAsync()
    {
        string path = _directory[Guid.NewGuid().ToString("N") + ".db"];
        return Task.FromResult<Func<IJobStore>>(() => SqliteJobStore.Open(path));
    }
}
