using System.Net.Sockets;

namespace Hypervisor.Sdk.Transport;

/// <summary>
/// Receives from a socket on a thread of its own, which waits in the operating system and runs the reader's continuation itself: no event loop, no pool, no second switch of threads.
/// When the continuation has asked for the next bytes and then blocks the thread, another one takes its place; the blocked one, once free, waits to take it back, so that a machine too busy to run a thread for a while costs
/// two threads and no more.
/// </summary>
internal sealed class ThreadReader : ConnectionReader, IDisposable
{
    private const int Forever = -1;

    private readonly Socket _socket;
    private readonly string _name;
    private readonly StallWatch _watch;
    private readonly object _signal = new();
    private Thread _thread;
    private Thread? _spare;
    private bool _inContinuation;
    private Memory<byte> _memory;
    private bool _requested;
    private bool _started;
    private bool _stopped;

    public ThreadReader(Connection connection, Socket socket, int segmentBytes)
        : base(connection, segmentBytes)
    {
        _socket = socket;
        _name = $"reader of {connection.Endpoint}";
        _watch = new StallWatch(TakeOver);
        _thread = NewThread();
    }

    /// <summary>Ends the thread; a receive that waits in the operating system returns.</summary>
    public void Dispose()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The peer was faster: nothing waits any more.
        }

        lock (_signal)
        {
            _stopped = true;
            Monitor.PulseAll(_signal);
        }
    }

    protected override bool TryReceive(Memory<byte> memory, out int bytes, out Exception? error)
    {
        bytes = 0;
        error = null;
        lock (_signal)
        {
            if (_stopped)
            {
                error = new ObjectDisposedException(nameof(Socket));
                return true;
            }

            _memory = memory;
            _requested = true;
            if (!_started)
            {
                _started = true;
                _thread.UnsafeStart();
            }
            else if (Thread.CurrentThread != _thread)
            {
                Monitor.PulseAll(_signal);
            }
        }

        return false;
    }

    private Thread NewThread() => new(Run) { IsBackground = true, Name = _name };

    private void TakeOver()
    {
        lock (_signal)
        {
            if (!_inContinuation || !_requested || _stopped)
                return;
            _inContinuation = false;
            if (_spare is { } spare)
            {
                _spare = null;
                _thread = spare;
                Monitor.PulseAll(_signal);
                return;
            }

            _thread = NewThread();
            _thread.UnsafeStart();
        }
    }

    private void Run()
    {
        while (true)
        {
            Memory<byte> memory;
            lock (_signal)
            {
                while (Thread.CurrentThread != _thread)
                {
                    if (_stopped || (_spare is not null && _spare != Thread.CurrentThread))
                        return;
                    _spare = Thread.CurrentThread;
                    Monitor.Wait(_signal);
                }

                _inContinuation = false;
                while (!_requested && !_stopped)
                    Monitor.Wait(_signal);
                if (!_requested)
                    return;
                _requested = false;
                memory = _memory;
            }

            int bytes = 0;
            Exception? error = null;
            try
            {
                // A send that had to wait has made the socket non-blocking for the operating system; then only the poll waits.
                _socket.Poll(Forever, SelectMode.SelectRead);
                bytes = _socket.Receive(memory.Span, SocketFlags.None);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                error = exception;
            }

            lock (_signal)
                _inContinuation = true;
            _watch.Enter();
            OnReceived(bytes, error);
            _watch.Leave();
        }
    }
}
