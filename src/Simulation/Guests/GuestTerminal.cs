using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>A shell on a serial port or behind a terminal: echoes what is typed, runs it line by line, and says what comes of it. Everything happens within the simulation's loop.</summary>
internal sealed class GuestTerminal(IGuestSystem system, Action<ReadOnlyMemory<byte>> print)
{
    private const int MaxLine = 4096;
    private const int MaxTypedAhead = 64 << 10;

    private readonly GuestShell _shell = new(system);
    private readonly Queue<byte> _typed = new();
    private readonly List<byte> _line = [];
    private readonly StringBuilder _script = new();
    private CancellationTokenSource? _running;
    private TaskCompletionSource? _awaited;
    private bool _isClosed;

    /// <summary>Whether a line is being carried out and waits for nobody.</summary>
    public bool IsRunning => _running is not null && _awaited is not { Task.IsCompleted: false };

    private string Prompt => _script.Length > 0 ? "> " : $"root@{system.HostName}:{(_shell.Directory == "/root" ? "~" : _shell.Directory)}# ";

    /// <summary>Greets and waits for the first line.</summary>
    public void Start()
    {
        _ = _shell.TryEnter("/root");
        Say(Prompt);
    }

    /// <summary>Takes what somebody types.</summary>
    public void Type(ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            if (_isClosed)
                return;
            if (one == 3)
                Interrupt();
            else if (_typed.Count < MaxTypedAhead)
                _typed.Enqueue(one);
        }

        if (_running is null)
            Edit();
        else
            _awaited?.TrySetResult();
    }

    /// <summary>The line is dropped, as by a machine that is switched off.</summary>
    public void Close()
    {
        _isClosed = true;
        _typed.Clear();
        _running?.Cancel();
    }

    private void Interrupt()
    {
        _typed.Clear();
        Say("^C");
        if (_running is not null)
        {
            _running.Cancel();
            return;
        }

        _line.Clear();
        _script.Clear();
        Say("\n" + Prompt);
    }

    private void Edit()
    {
        while (_running is null && !_isClosed && _typed.TryDequeue(out byte one))
        {
            switch (one)
            {
                case (byte)'\r' or (byte)'\n':
                    Say("\n");
                    string line = Encoding.UTF8.GetString([.. _line]);
                    _line.Clear();
                    _script.Append(_script.Length > 0 ? "\n" : "").Append(line);
                    _ = RunAsync(_script.ToString());
                    break;
                case 0x7f or 8 when _line.Count > 0:
                    // One character, which may be several bytes.
                    while (_line.Count > 0 && (_line[^1] & 0xC0) == 0x80)
                        _line.RemoveAt(_line.Count - 1);
                    if (_line.Count > 0)
                        _line.RemoveAt(_line.Count - 1);
                    Say("\b \b");
                    break;
                case 0x15:
                    Say(string.Concat(Enumerable.Repeat("\b \b", _line.Count)));
                    _line.Clear();
                    break;
                case 4 when _line.Count == 0:
                    Say("\nlogout\n\n" + Prompt);
                    break;
                case >= 0x20 or (byte)'\t' when _line.Count < MaxLine:
                    _line.Add(one);
                    print(new byte[] { one });
                    break;
            }
        }
    }

    private async Task RunAsync(string script)
    {
        using var running = new CancellationTokenSource();
        _running = running;
        try
        {
            var streams = new GuestStreams(ReadAsync, SayLines, SayLines);
            await _shell.RunScriptAsync(script, [], streams, running.Token).ConfigureAwait(false);
            _script.Clear();
        }
        catch (ShellSyntaxException error) when (error.IsIncomplete && script.Length < MaxLine)
        {
            // The next line goes on with it.
        }
        catch (ShellSyntaxException error)
        {
            _script.Clear();
            Say($"sh: {error.Message}\n");
        }
        catch (OperationCanceledException)
        {
            _script.Clear();
            Say("\n");
        }
        finally
        {
            _running = null;
        }

        if (_isClosed)
            return;
        if (_shell.HasExited)
            Say("logout\n\n");
        Say(Prompt);
        Edit();
    }

    /// <summary>What a running program reads: by lines, as a terminal hands them over.</summary>
    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            int count = 0;
            while (count < buffer.Length && _typed.TryDequeue(out byte one))
            {
                if (one == 4)
                    return count;
                byte read = one == '\r' ? (byte)'\n' : one;
                buffer.Span[count++] = read;
                SayLines(new byte[] { read });
                if (read == '\n')
                    return count;
            }

            if (count > 0)
                return count;
            _awaited = new TaskCompletionSource();
            using (cancellationToken.Register(static state => ((TaskCompletionSource)state!).TrySetCanceled(), _awaited))
                await _awaited.Task.ConfigureAwait(false);
        }
    }

    private void Say(string text) => SayLines(Encoding.UTF8.GetBytes(text));

    private void SayLines(ReadOnlyMemory<byte> bytes)
    {
        if (_isClosed)
            return;
        int breaks = bytes.Span.Count((byte)'\n');
        if (breaks == 0)
        {
            print(bytes);
            return;
        }

        byte[] said = new byte[bytes.Length + breaks];
        int at = 0;
        foreach (byte one in bytes.Span)
        {
            if (one == '\n')
                said[at++] = (byte)'\r';
            said[at++] = one;
        }

        print(said);
    }
}
