namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>What a message is.</summary>
public enum WebSocketMessageKind
{
    /// <summary>Text, valid UTF-8.</summary>
    Text = 1,

    /// <summary>Bytes.</summary>
    Binary = 2,

    /// <summary>The server closes: nothing comes after it.</summary>
    Close = 8,
}
