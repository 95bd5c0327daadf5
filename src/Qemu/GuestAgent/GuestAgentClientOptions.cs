namespace Hypervisor.Sdk.Qemu.GuestAgent;

/// <summary>How a <see cref="GuestAgentClient"/> behaves. Read once, when the client is made.</summary>
public sealed class GuestAgentClientOptions
{
    /// <summary>How long the agent may take to find into step before a command; silence longer than this means that no agent runs in the guest. Default: 5 seconds.</summary>
    public TimeSpan SyncTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a command may take unless <see cref="GuestAgentClient.WithTimeout"/> says otherwise. Default: 60 seconds.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The longest message that is taken from the guest, which is not to be trusted, in bytes: 4 KiB to 1 GiB. A longer one closes the connection before it is buffered. Default: 16 MiB.
    /// </summary>
    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>The clock of the time-outs. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal GuestAgentClientOptions Validated()
    {
        if (SyncTimeout <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(SyncTimeout)} is {SyncTimeout}; it must be positive.");
        if (CallTimeout <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(CallTimeout)} is {CallTimeout}; it must be positive.");
        if (MaxMessageBytes is < 4096 or > 1 << 30)
            throw new ArgumentException($"{nameof(MaxMessageBytes)} is {MaxMessageBytes}; it must be 4096 to 1073741824.");
        return (GuestAgentClientOptions)MemberwiseClone();
    }
}
