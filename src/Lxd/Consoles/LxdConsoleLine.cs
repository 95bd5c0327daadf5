using Hypervisor.Sdk.Lxd.Driver;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd.Consoles;

/// <summary>
/// A console's operation and its two WebSockets. Where the container stops, the server sends an empty text message and waits until this side lets go; letting go ends the operation. The stream for control has to be there, and says by its end that this
/// side lets go: both servers take sizes on it, and the container's terminal has none afterwards.
/// </summary>
internal sealed class LxdConsoleLine
{
    private const int Cancelled = 401;

    /// <summary>One is not let go of before.</summary>
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1);

    /// <summary>One that has said nothing is not let go of before: it may be that the server has not attached itself yet.</summary>
    private static readonly TimeSpan s_shortestSilent = TimeSpan.FromSeconds(5);

    /// <summary>How long a server may take to answer a close, and the request after it.</summary>
    private static readonly TimeSpan s_longestClose = TimeSpan.FromSeconds(30);

    /// <summary>How long it is waited until the server says that the console is free again.</summary>
    private static readonly TimeSpan s_longestEnd = TimeSpan.FromSeconds(60);

    private readonly LxdClient _client;
    private readonly string _operation;
    private readonly WebSocketConnection _control;
    private readonly Task _listening;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly long _opened;
    private bool _hasSpoken;

    private LxdConsoleLine(LxdClient client, string operation, WebSocketConnection control, WebSocketConnection stream)
    {
        (_client, _operation, _control, Stream) = (client, operation, control, stream);
        _opened = _time.GetTimestamp();
        _listening = LxdControl.DrainAsync(control);
    }

    /// <summary>What is printed and typed.</summary>
    public WebSocketConnection Stream { get; }

    /// <summary>Connects the streams of an operation that has begun.</summary>
    public static async Task<LxdConsoleLine> ConnectAsync(LxdClient client, LxdOperation begun)
    {
        WebSocketConnection? control = null;
        try
        {
            control = await LxdControl.OpenAsync(client, begun, "control", CancellationToken.None).ConfigureAwait(false);
            return new LxdConsoleLine(client, begun.Id!, control, await LxdControl.OpenAsync(client, begun, "0", CancellationToken.None).ConfigureAwait(false));
        }
        catch
        {
            await GiveUpAsync(client, begun.Id).ConfigureAwait(false);
            if (control is not null)
                await control.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Receives what is printed; one caller at a time, and none that lets go meanwhile.</summary>
    public async ValueTask<WebSocketMessage> ReceiveAsync(CancellationToken cancellationToken)
    {
        var message = await Stream.ReceiveAsync(cancellationToken).ConfigureAwait(false);
        _hasSpoken |= message is { Kind: WebSocketMessageKind.Binary, Payload.IsEmpty: false };
        return message;
    }

    /// <summary>
    /// Lets go as the servers bear it, and waits until the console is free. At the end of the stream for control, LXD writes to the other one from two sides at once, and where both meet the whole server crashes ("concurrent write to websocket
    /// connection"); to a stream whose close it has answered it writes nothing more. So that one is closed first, in the protocol's own way, and a request lies between, also where the close is not answered. And a server kills what attaches itself to the
    /// container: who lets go meanwhile brings the container down now and then.
    /// </summary>
    /// <param name="isOver">Whether the server has ended the stream.</param>
    /// <returns>Whether somebody has cancelled the operation.</returns>
    public async Task<bool> LetGoAsync(bool isOver)
    {
        if (!isOver)
            await TryAsync(HoldAsync()).ConfigureAwait(false);
        using (var patience = new CancellationTokenSource(s_longestClose))
            await TryAsync(CloseAsync(patience.Token)).ConfigureAwait(false);
        using (var patience = new CancellationTokenSource(s_longestClose))
            await TryAsync(_client.OperationGetAsync(_operation, cancellationToken: patience.Token)).ConfigureAwait(false);
        await _control.DisposeAsync().ConfigureAwait(false);
        await Stream.DisposeAsync().ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
        return await WasCancelledAsync().ConfigureAwait(false);
    }

    private static async Task TryAsync(Task step)
    {
        try
        {
            await step.ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or OperationCanceledException or TimeoutException or HypervisorException)
        {
            // It is lost or over, or nobody answers.
        }
    }

    /// <summary>Waits until it may be let go of. What is printed meanwhile nobody wants.</summary>
    private async Task HoldAsync()
    {
        if (!_hasSpoken && Left(s_shortestSilent) is { Ticks: > 0 } silent)
        {
            using var heard = new CancellationTokenSource(silent, _time);
            while (!_hasSpoken)
            {
                // The container has stopped, or the server has closed.
                if ((await ReceiveAsync(heard.Token).ConfigureAwait(false)).Kind != WebSocketMessageKind.Binary)
                    return;
            }
        }

        if (Left(s_shortest) is { Ticks: > 0 } left)
            await Task.Delay(left, _time).ConfigureAwait(false);
    }

    private TimeSpan Left(TimeSpan hold) => hold - _time.GetElapsedTime(_opened);

    /// <summary>Closes the stream, with more patience than a WebSocket has by itself: a close is sent once, and waited for again.</summary>
    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await Stream.CloseAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (TimeoutException)
            {
                // The patience is the caller's.
            }
        }
    }

    /// <summary>Without its streams an operation would wait for them.</summary>
    private static async Task GiveUpAsync(LxdClient client, string? operation)
    {
        try
        {
            if (operation is { Length: > 0 })
                await client.OperationDeleteAsync(operation, cancellationToken: CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
        {
            // It has ended, or this server does not cancel it: then it goes on until the container stops.
        }
    }

    private async Task<bool> WasCancelledAsync()
    {
        using var patience = new CancellationTokenSource(s_longestEnd);
        try
        {
            await _client.WaitAsync(_operation, "The console", patience.Token).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.Cancelled)
        {
            return true;
        }
        catch (LxdException)
        {
            return await IsCancelledAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or ObjectDisposedException)
        {
            // It does not end, or nobody answers.
        }

        return false;
    }

    /// <summary>Of an operation that has failed the answer to who waits does not say how.</summary>
    private async Task<bool> IsCancelledAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await _client.OperationGetAsync(_operation, cancellationToken: cancellationToken).ConfigureAwait(false)).Value.StatusCode == Cancelled;
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or ObjectDisposedException)
        {
            // The server no longer keeps it, or is gone.
            return false;
        }
    }
}
