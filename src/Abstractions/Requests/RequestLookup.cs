namespace Hypervisor.Sdk;

/// <summary>The answer of <see cref="IRequestLog"/>.</summary>
public sealed class RequestLookup
{
    /// <summary>What became of the request.</summary>
    public required RequestState State { get; init; }

    /// <summary>The instance that it made or changed, where there is one.</summary>
    public InstanceId? Instance { get; init; }

    /// <summary>The volume that it made or changed, where there is one.</summary>
    public VolumeId? Volume { get; init; }

    /// <summary>The operation that it began, where the backend still keeps it.</summary>
    public OperationToken? Operation { get; init; }

    /// <summary>Why it failed, when it did and the backend still knows.</summary>
    public HypervisorException? Error { get; init; }
}
