using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>What a server did wrong, thrown by the parsers, which know neither request nor endpoint: the connection puts these before it.</summary>
internal sealed class HttpFault(HttpFailure failure, string what) : IOException(what)
{
    public HttpFailure Failure { get; } = failure;

    [DoesNotReturn]
    public static void Malformed(string what) => throw new HttpFault(HttpFailure.Malformed, what);

    [DoesNotReturn]
    public static void TooLarge(string what) => throw new HttpFault(HttpFailure.TooLarge, what);

    [DoesNotReturn]
    public static void Truncated(string what) => throw new HttpFault(HttpFailure.ConnectionLost, what);
}
