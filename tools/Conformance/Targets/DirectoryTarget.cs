using System.Globalization;
using Hypervisor.Sdk.Storage.Directory;

namespace Hypervisor.Sdk.Conformance.Tool.Targets;

/// <summary>Volumes in a directory, with the real qemu-img.</summary>
public sealed class DirectoryTarget : ConformanceTarget
{
    private readonly string _pool;
    private readonly string? _newPools;

    /// <summary>Makes a target of directories that there are.</summary>
    /// <param name="pool">The directory of the pool that volumes are made in.</param>
    /// <param name="newPools">The directory that pools are made in; none when null.</param>
    public DirectoryTarget(string pool, string? newPools = null)
    {
        _pool = pool;
        _newPools = newPools;
    }

    /// <inheritdoc />
    public override string Name => "directory storage";

    /// <inheritdoc />
    public override PoolName? Pool => PoolName.Parse("hvconf");

    /// <inheritdoc />
    public override async Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken)
    {
        var options = new DirectoryStorageOptions { NewPoolsDirectory = _newPools };
        options.Pools["hvconf"] = _pool;
        return await DirectoryStorageBackend.OpenAsync(name, options, cancellationToken: cancellationToken);
    }

    /// <inheritdoc />
    public override string? WhyNot(ConformanceAbility ability) => string.Create(CultureInfo.InvariantCulture, $"A directory has no {Word(ability)}.");

    private static string Word(ConformanceAbility ability) => ability switch
    {
        ConformanceAbility.LoseReplies => "server whose reply could be lost",
        ConformanceAbility.CutNodes => "nodes to cut off",
        _ => "guests",
    };
}
