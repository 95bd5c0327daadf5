namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>How a <see cref="QmpClient"/> behaves. Read once, when the client is made.</summary>
public sealed class QmpClientOptions
{
    /// <summary>How long greeting and negotiation may take. Default: 10 seconds.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a call may take unless <see cref="QmpClient.WithTimeout"/> says otherwise; <see cref="Timeout.InfiniteTimeSpan"/> for no limit. Default: 60 seconds.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest message that is taken from the server, in bytes: 4 KiB to 1 GiB. A longer one closes the connection before it is buffered. Default: 16 MiB.</summary>
    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How many calls may be in flight; one more fails as exhausted and is not sent. Default: 4096.</summary>
    public int MaxPendingCalls { get; set; } = 4096;

    /// <summary>Asks for out-of-band execution where the server offers it. Default: true.</summary>
    public bool OutOfBand { get; set; } = true;

    /// <summary>The clock of the time-outs. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal QmpClientOptions Validated()
    {
        Require(HandshakeTimeout > TimeSpan.Zero || HandshakeTimeout == Timeout.InfiniteTimeSpan, nameof(HandshakeTimeout), HandshakeTimeout, "positive or infinite");
        Require(CallTimeout > TimeSpan.Zero || CallTimeout == Timeout.InfiniteTimeSpan, nameof(CallTimeout), CallTimeout, "positive or infinite");
        Require(MaxMessageBytes is >= 4096 and <= 1 << 30, nameof(MaxMessageBytes), MaxMessageBytes, "4096 to 1073741824");
        Require(MaxPendingCalls is >= 1 and <= 1 << 20, nameof(MaxPendingCalls), MaxPendingCalls, "1 to 1048576");
        return (QmpClientOptions)MemberwiseClone();
    }

    private static void Require(bool holds, string name, object value, string rule)
    {
        if (!holds)
            throw new ArgumentException($"{name} is {value}; it must be {rule}.");
    }
}
