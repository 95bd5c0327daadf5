using System.IO.Pipelines;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>The body of one response as a pipe: refuses to read what a later response has put in its place.</summary>
internal sealed class HttpBodyPipe(HttpExchange exchange, int generation) : PipeReader
{
    private bool _completed;

    private HttpBody Body
    {
        get
        {
            if (_completed)
                throw new InvalidOperationException("The body was completed: it cannot be read any more.");
            return exchange.ConnectionOf(generation).Body;
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => Body.ReadAsync(cancellationToken);

    public override bool TryRead(out ReadResult result) => Body.TryReadArrived(out result);

    public override void AdvanceTo(SequencePosition consumed) => Body.AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => Body.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => Body.CancelPendingRead();

    /// <summary>Reading is over; the connection is the response's, which disposes of it.</summary>
    public override void Complete(Exception? exception = null) => _completed = true;
}
