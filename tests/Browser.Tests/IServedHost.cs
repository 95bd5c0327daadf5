namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>A reference host that a browser can be pointed at.</summary>
internal interface IServedHost : IAsyncDisposable
{
    /// <summary>Where it listens.</summary>
    Uri Root { get; }

    /// <summary>The same with the one-time token.</summary>
    Uri SignIn { get; }

    /// <summary>What it has printed.</summary>
    string Said { get; }
}
