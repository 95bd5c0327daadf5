namespace Hypervisor.Sdk.Lxd;

/// <summary>Which LXD or Incus server a backend is, and how long its work may take. Read once, when the backend is connected.</summary>
public sealed class LxdBackendOptions
{
    /// <summary>The name under which the application knows the backend. Default <c>lxd</c>.</summary>
    public string Name { get; set; } = "lxd";

    /// <summary>Which server it must be, <c>lxd</c> or <c>incus</c>: another one is refused. Default: null, whichever answers.</summary>
    public string? Kind { get; set; }

    /// <summary>Where the server is, how it is reached, and in which project.</summary>
    public LxdOptions Connection { get; set; } = new();

    /// <summary>How long work may take where a request does not say. Default: 5 minutes.</summary>
    public TimeSpan DefaultDeadline { get; set; } = TimeSpan.FromMinutes(5);

    internal LxdBackendOptions Validated()
    {
        if (!BackendName.TryParse(Name, null, out _))
            throw new ArgumentException($"'{Name}' is not a backend name: 1 to 63 of a-z, 0-9, '-', '_' and '.'.", nameof(Name));
        if (Kind is not (null or LxdBackend.LxdKind or LxdBackend.IncusKind))
            throw new ArgumentException($"'{Kind}' is neither 'lxd' nor 'incus'.", nameof(Kind));
        if (DefaultDeadline <= TimeSpan.Zero)
            throw new ArgumentException($"DefaultDeadline is {DefaultDeadline}; it must be positive.", nameof(DefaultDeadline));
        ArgumentNullException.ThrowIfNull(Connection);
        Connection.Validated();
        return (LxdBackendOptions)MemberwiseClone();
    }
}
