using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>Who has which volume of a pool: a file for each lease. For whoever holds the pool.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LeaseBook(RootedDirectory directory, string state)
{
    private const int MaxRecordBytes = 16 << 10;

    private readonly string _leases = state + "/leases";

    public void MakeDirectory() => directory.CreateDirectory(_leases);

    public void RemoveUnfinished() => directory.RemoveUnfinishedWrites(_leases);

    /// <summary>The leases of a volume.</summary>
    public IReadOnlyList<LeaseRecord> Of(string file)
    {
        if (directory.Find(_leases) is null)
            return [];
        using var leases = directory.OpenDirectory(_leases);
        var found = new List<LeaseRecord>();
        foreach (string name in leases.List())
        {
            if (Guid.TryParseExact(name, "D", out _) && leases.Read(name, MaxRecordBytes) is { } content && Parse(name, content) is { } lease && lease.File == file)
                found.Add(lease);
        }

        return found;
    }

    public void Add(LeaseRecord lease) => directory.AtomicWrite(Path(lease.Id), JsonSerializer.SerializeToUtf8Bytes(lease, StateJson.Default.LeaseRecord));

    public void Remove(Guid id) => directory.Delete(Path(id));

    private LeaseRecord? Parse(string name, byte[] content)
    {
        try
        {
            return JsonSerializer.Deserialize(content, StateJson.Default.LeaseRecord);
        }
        catch (JsonException error)
        {
            // Whose lease it is cannot be said: then nobody may take a volume for free.
            throw new HypervisorException($"The lease '{name}' in '{directory.Path}' cannot be read: {error.Message} Look at it, and remove it.", ErrorCode.Corrupted, RequestOutcome.Rejected, error);
        }
    }

    private string Path(Guid id) => $"{_leases}/{id:D}";
}
