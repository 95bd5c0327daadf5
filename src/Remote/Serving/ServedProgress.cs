using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>Tells the caller how far a transfer is: one report at a time, and then the latest.</summary>
internal sealed class ServedProgress(Exchange exchange, WireJson json) : IProgress<TransferProgress>
{
    private readonly Lock _gate = new();
    private TransferProgress? _next;
    private bool _isSending;

    public void Report(TransferProgress value)
    {
        lock (_gate)
        {
            _next = value;
            if (_isSending)
                return;
            _isSending = true;
        }

        _ = Task.Run(SendAsync);
    }

    private async Task SendAsync()
    {
        while (true)
        {
            TransferProgress next;
            lock (_gate)
            {
                if (_next is not { } waiting || exchange.Token.IsCancellationRequested)
                {
                    _isSending = false;
                    return;
                }

                next = waiting;
                _next = null;
            }

            try
            {
                var report = new Exchange(exchange.Peer, "progress.report", false, json.Write().Add(exchange.Id).Add(next.Bytes).Add(next.TotalBytes).ToBytes());
                await exchange.Peer.CallAsync(report, exchange.Token).ConfigureAwait(false);
                await report.Answered.ConfigureAwait(false);
            }
            catch (Exception error) when (error is PeerLostException or WireErrorException or OperationCanceledException)
            {
                // The caller wants it no more, or is gone.
            }
        }
    }
}
