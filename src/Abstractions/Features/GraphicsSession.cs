using System.IO.Pipelines;

namespace Hypervisor.Sdk;

/// <summary>An open connection to a screen, for a viewer that speaks its protocol.</summary>
public abstract class GraphicsSession : IDuplexPipe, IAsyncDisposable
{
    /// <summary>The protocol: <c>vnc</c> (RFB, RFC 6143) or <c>spice</c>.</summary>
    public abstract string Protocol { get; }

    /// <summary>What the viewer must say; null when nothing.</summary>
    public abstract Secret? Password { get; }

    /// <summary>From the server.</summary>
    public abstract PipeReader Input { get; }

    /// <summary>To the server.</summary>
    public abstract PipeWriter Output { get; }

    /// <summary>Closes the session.</summary>
    public abstract ValueTask DisposeAsync();
}
