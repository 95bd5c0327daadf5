namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The limits of the API. Read once, when the application starts.</summary>
public sealed class HypervisorApiOptions
{
    /// <summary>The longest request body in bytes; a longer one is answered with 413. Uploads of volumes are streamed and have no limit here. Default 1 MiB.</summary>
    public int MaxBodyBytes { get; set; } = 1 << 20;

    /// <summary>How many operations are kept in memory at once, finished ones included. When all of them still run, further work is refused with 503. Default 1000.</summary>
    public int MaxOperations { get; set; } = 1000;

    /// <summary>How long a finished operation can still be asked for. Default 10 minutes.</summary>
    public TimeSpan OperationRetention { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The key that signs the ids of operations which the backend keeps, at least 32 bytes. With the same key another process of the application can go on with them by their ids. Default: a random key, so that
    /// ids are good in this process only.
    /// </summary>
    public Secret? OperationKey { get; set; }

    /// <summary>How long a list over several backends waits for each of them before it goes on without. Default 10 seconds.</summary>
    public TimeSpan ListTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many WebSockets may be open at once; the next is refused with 503. Default 256.</summary>
    public int MaxSockets { get; set; } = 256;

    /// <summary>How long a WebSocket message may wait for a client that does not read before the socket is closed with 1013. Default 30 seconds.</summary>
    public TimeSpan SocketSendTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many events may wait for one WebSocket; when one more comes, the socket is closed with 1013. Default 4096.</summary>
    public int MaxQueuedEvents { get; set; } = 4096;

    /// <summary>How long the ticket of a dedicated graphics WebSocket is good for. Default 30 seconds.</summary>
    public TimeSpan GraphicsTicketLifetime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Origins, beside the API's own, from which browsers may open WebSockets, for example <c>https://console.example.org</c>. Default: none.</summary>
    public IList<string> AllowedOrigins { get; } = [];
}
