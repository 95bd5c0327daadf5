namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The fencing token of who sends a request within the process, such as the handler of a job: set as a feature of the request (<c>http.Features.Set(new FencedRequest(token))</c>), it is handed on to the backend. No header sets it.</summary>
/// <param name="token">As in <see cref="RequestOptions.FencingToken"/>.</param>
public sealed class FencedRequest(long token)
{
    /// <summary>The token.</summary>
    public long Token { get; } = token;
}
