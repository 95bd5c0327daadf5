namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A call that this end has opened, as far as its bytes go.</summary>
internal interface IOpenCall : IAsyncDisposable
{
    /// <summary>Whether its connection is lost.</summary>
    bool IsLost { get; }

    /// <summary>The next bytes; null at their end.</summary>
    ValueTask<byte[]?> ReceiveAsync(CancellationToken cancellationToken);

    /// <summary>Sends bytes.</summary>
    ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Says that no more bytes come.</summary>
    ValueTask EndInputAsync();

    /// <summary>Waits until the other end has ended it.</summary>
    Task CompletedAsync();
}
