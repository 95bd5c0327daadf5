using Hypervisor.Sdk.Remote.Calls;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary>A service that both ends know.</summary>
/// <param name="Word">What it is called between them.</param>
/// <param name="Type">What it is.</param>
/// <param name="Make">Makes the one that calls the other end.</param>
/// <param name="IsGivenBy">Whether a backend gives it.</param>
internal sealed record RemoteService(string Word, Type Type, Func<RemoteCalls, object> Make, Func<IBackend, bool> IsGivenBy);
