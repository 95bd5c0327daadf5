using System.Buffers;
using System.IO.Pipelines;

namespace Hypervisor.Sdk.Transport.Http;

/// <content>Sending requests.</content>
internal sealed partial class HttpConnection
{
    private bool _isSending;
    private bool _isFinished;
    private bool _isHeld;
    private bool _maybeSent;
    private Exception? _sendError;
    private TaskCompletionSource<bool>? _continue;
    private CancellationTokenSource? _sendingBody;

    /// <summary>A body of the caller's is on its way.</summary>
    private bool IsSendingBody => Volatile.Read(ref _sendingBody) is not null;

    private void Send(HttpExchange exchange)
    {
        PipeWriter output = _wire.Output;
        HttpRequestBody? body = exchange.Body;
        _isSending = true;
        _maybeSent = true;
        _hasResponse = false;
        _sendError = null;
        try
        {
            output.Write(exchange.Request.Line);
            output.Write(_pool.OwnHeaders);
            output.Write(exchange.Request.Headers);
            output.Write(exchange.Request.UpgradeHeaders);
            if (exchange.Credentials is { } credentials)
                output.Write(credentials.Encoded);
            output.Write(body is not null ? body.Headers : exchange.Request.NeedsLength ? "Content-Length: 0\r\n\r\n"u8 : "\r\n"u8);
        }
        catch (Exception error) when (error is InvalidOperationException or IOException)
        {
            // The writer was completed: the connection is dead, and the pending read says so.
            Sent(error);
            return;
        }

        if (body is null or { Bytes: not null })
        {
            if (body is not null)
                output.Write(body.Bytes!.Value.Span);
            SetDeadline(exchange.Timeouts.Head, "no response's head came within the time-out");
            Flush(output, output.UnflushedBytes <= _segmentBytes);
            return;
        }

        SetDeadline(exchange.Timeouts.BodyIdle, "the server took nothing of the request's body within the time-out");
        if (body.ExpectContinue)
            _continue = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancellation = new CancellationTokenSource();
        Volatile.Write(ref _sendingBody, cancellation);
        _ = SendBodyAsync(exchange, body, cancellation);
    }

    private void Flush(PipeWriter output, bool isOneSend)
    {
        Exception? failure = null;
#pragma warning disable CA2012 // Consumed once, here or in OnFlushed.
        var flush = output.FlushAsync().ConfigureAwait(false).GetAwaiter();
        if (!flush.IsCompleted)
        {
            _flush = flush;
            flush.UnsafeOnCompleted(_onFlushed);
            return;
        }
#pragma warning restore CA2012

        try
        {
            flush.GetResult();
        }
        catch (IOException error)
        {
            failure = error;
            // The operating system refused the only send.
            if (isOneSend)
                _maybeSent = false;
        }

        Sent(failure);
    }

    private void OnFlushed()
    {
        Exception? failure = null;
        try
        {
            _flush.GetResult();
        }
        catch (IOException error)
        {
            failure = error;
        }

        Sent(failure);
    }

    /// <summary>
    /// All is sent, or cannot be. The pending read sees a broken connection too, and may find a response before that: a server that refuses a request may answer and close.
    /// </summary>
    private void Sent(Exception? failure)
    {
        bool isFinished;
        HttpExchange? held;
        lock (_gate)
        {
            _isSending = false;
            isFinished = _isFinished;
            _isFinished = false;
            held = _isHeld ? _exchange : null;
            _isHeld = false;
            if (failure is not null)
                _isDead = true;
        }

        if (held is not null && failure is not null && _head.Status == 101)
            Lose(failure);
        else if (held is not null)
            HandOut(held);
        else if (isFinished && failure is null)
            Release();
        else if (isFinished)
            Close();
    }

    private async Task SendBodyAsync(HttpExchange exchange, HttpRequestBody body, CancellationTokenSource cancellation)
    {
        Exception? failure = null;
        bool isWhole = false;
        try
        {
            await _wire.Output.FlushAsync(cancellation.Token).ConfigureAwait(false);
            if (!body.ExpectContinue || await MayContinueAsync(exchange).ConfigureAwait(false))
            {
                var writer = new HttpBodyWriter(_wire.Output, body.Length, OnBodyFlush);
                await body.WriteAsync(writer, cancellation.Token).ConfigureAwait(false);
                await writer.EndAsync(cancellation.Token).ConfigureAwait(false);
                isWhole = true;
            }
        }
        catch (ConnectionClosedException error)
        {
            failure = error;
        }
        catch (Exception error)
        {
            // The caller's own: it is what the request fails with. Half a body cannot be taken back.
            failure = error;
            if (!cancellation.IsCancellationRequested)
            {
                _sendError ??= error;
                Abort(new ConnectionClosedException($"The connection to {Endpoint} was closed: the request's body could not be made.", error));
            }
        }

        EndSendingBody(exchange, cancellation, isWhole);
        Sent(failure);

        void OnBodyFlush() => SetDeadline(exchange.Timeouts.BodyIdle, "the server took nothing of the request's body within the time-out");
    }

    /// <summary>The connection serves again only when all of the body was sent; the marker stays otherwise.</summary>
    private void EndSendingBody(HttpExchange exchange, CancellationTokenSource cancellation, bool isWhole)
    {
        if (!isWhole)
            return;
        lock (_gate)
        {
            if (_exchange == exchange && !_hasResponse)
                SetDeadline(exchange.Timeouts.Head, "no response's head came within the time-out");
            _sendingBody = null;
            _continue = null;
        }

        cancellation.Dispose();
    }

    private async Task<bool> MayContinueAsync(HttpExchange exchange)
    {
        try
        {
            return await _continue!.Task.WaitAsync(exchange.Timeouts.Continue, _pool.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Servers that do not know the expectation say nothing (RFC 9110, 10.1.1).
            return true;
        }
    }

    private void CancelSending()
    {
        _continue?.TrySetResult(false);
        if (Volatile.Read(ref _sendingBody) is not { } sending)
            return;
        try
        {
            sending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was sent meanwhile.
        }
    }
}
