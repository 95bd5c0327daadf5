namespace Hypervisor.Sdk.Lxd;

/// <summary>What background work of a server is called by those who wait for it.</summary>
public sealed class LxdFollowOptions
{
    /// <summary>The backend that stands in the token. Default <c>lxd</c>.</summary>
    public BackendName Backend { get; init; } = BackendName.Parse("lxd");

    /// <summary>The request that began it. Default: one is made up.</summary>
    public RequestId? RequestId { get; init; }

    /// <summary>
    /// Who says what became of the request when the server no longer keeps the operation: it drops what has ended after some seconds, and everything when it is started anew. Default: null, nobody; then waiting fails with
    /// <see cref="RequestOutcome.Unknown"/>.
    /// </summary>
    public IRequestLog? Log { get; init; }
}
