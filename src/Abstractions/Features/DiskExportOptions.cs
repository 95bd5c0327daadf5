using System.Net;

namespace Hypervisor.Sdk;

/// <summary>How a disk is handed to other programs.</summary>
public sealed class DiskExportOptions
{
    /// <summary>The address of the node at which it is read by TCP, on a port that is free. Default: null, a unix socket.</summary>
    public IPAddress? Listen { get; init; }

    /// <summary>Whether an agent in the guest brings the file systems to rest for the moment of the view. Default: false.</summary>
    public bool Quiesce { get; init; }
}
