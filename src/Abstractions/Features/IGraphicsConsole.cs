namespace Hypervisor.Sdk;

/// <summary>The screen of an instance.</summary>
public interface IGraphicsConsole
{
    /// <summary>Opens a session.</summary>
    Task<GraphicsSession> OpenAsync(InstanceId id, CancellationToken cancellationToken = default);

    /// <summary>A picture of the screen as it is now; its media type says the format.</summary>
    Task<NativeDocument> CaptureAsync(InstanceId id, CancellationToken cancellationToken = default);
}
