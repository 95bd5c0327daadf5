using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Transport;

/// <summary>Sends to anything that writes asynchronously: a TLS stream, the input of a process.</summary>
internal sealed class StreamOutput : ConnectionWriter
{
    private readonly Func<ReadOnlyMemory<byte>, ValueTask> _write;
    private readonly Func<ValueTask> _end;
    private readonly Action _completed;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _pending;
    private int _pendingBytes;

    public StreamOutput(Connection connection, int segmentBytes, Func<ReadOnlyMemory<byte>, ValueTask> write, Func<ValueTask> end)
        : base(connection, segmentBytes)
    {
        _write = write;
        _end = end;
        _completed = Complete;
    }

    protected override bool TrySend(ReadOnlyMemory<byte> memory, out int bytes, out Exception? error)
    {
        bytes = 0;
        _pendingBytes = memory.Length;
        try
        {
#pragma warning disable CA2012 // Consumed once, in Take: a field instead of a state machine that would be allocated.
            _pending = _write(memory).ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
        }
        catch (Exception exception) when (StreamErrors.Includes(exception))
        {
            error = exception;
            return true;
        }

        if (_pending.IsCompleted)
        {
            error = Take(out bytes);
            return true;
        }

        error = null;
        _pending.UnsafeOnCompleted(_completed);
        return false;
    }

    protected override ValueTask EndSendingAsync() => _end();

    private void Complete()
    {
        Exception? error = Take(out int bytes);
        OnSent(bytes, error);
    }

    private Exception? Take(out int bytes)
    {
        var done = _pending;
        _pending = default;
        bytes = 0;
        try
        {
            done.GetResult();
            bytes = _pendingBytes;
            return null;
        }
        catch (Exception exception) when (StreamErrors.Includes(exception))
        {
            return exception;
        }
    }
}
