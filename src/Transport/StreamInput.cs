using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Transport;

/// <summary>Receives from anything that reads asynchronously: a TLS stream, the output of a process.</summary>
internal sealed class StreamInput : ConnectionReader
{
    private readonly Func<Memory<byte>, ValueTask<int>> _read;
    private readonly Action _completed;
    private ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _pending;

    public StreamInput(Connection connection, int segmentBytes, Func<Memory<byte>, ValueTask<int>> read)
        : base(connection, segmentBytes)
    {
        _read = read;
        _completed = Complete;
    }

    protected override bool TryReceive(Memory<byte> memory, out int bytes, out Exception? error)
    {
        bytes = 0;
        try
        {
#pragma warning disable CA2012 // Consumed once, in Take: a field instead of a state machine that would be allocated.
            _pending = _read(memory).ConfigureAwait(false).GetAwaiter();
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

    private void Complete()
    {
        Exception? error = Take(out int bytes);
        OnReceived(bytes, error);
    }

    private Exception? Take(out int bytes)
    {
        var done = _pending;
        _pending = default;
        try
        {
            bytes = done.GetResult();
            return null;
        }
        catch (Exception exception) when (StreamErrors.Includes(exception))
        {
            bytes = 0;
            return exception;
        }
    }
}
