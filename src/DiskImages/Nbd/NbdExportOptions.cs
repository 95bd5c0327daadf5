namespace Hypervisor.Sdk.DiskImages;

/// <summary>Which export of an NBD server is read, and how patiently. Read once, when the <see cref="NbdExport"/> is made.</summary>
public sealed class NbdExportOptions
{
    /// <summary>The server's unix socket.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The name of the export.</summary>
    public required string Name { get; init; }

    /// <summary>The bitmap of QEMU's that says which parts belong to what is read (<c>qemu:dirty-bitmap:NAME</c>). Default: null, all parts do.</summary>
    public string? DirtyBitmap { get; init; }

    /// <summary>How long the server may take to agree on the export. Default: 30 seconds.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long it may say nothing while a request is under way. Default: 5 minutes.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
