namespace Hypervisor.Sdk;

/// <summary><see cref="IGuestAgent"/>, each call through the pipeline.</summary>
internal sealed class GuestAgentCalls(IGuestAgent inner, CallPipeline calls) : IGuestAgent
{
    public Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("guestAgent.getInfo", id, null, false), (inner, id), static (s, token) => s.inner.GetInfoAsync(s.id, token), cancellationToken);
}
