using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Hosts;

/// <summary>Reads the standard error of a second ssh: what comes before the nonce is ssh's own and the shell's, what comes between is the program's, and the second nonce brings the exit code.</summary>
internal sealed class RemoteErrors(string nonce, Func<ReadOnlyMemory<byte>, ValueTask>? sink)
{
    private const int KeptBytes = 16 << 10;

    /// <summary>The nonce, a colon and an exit code.</summary>
    private const int MaxLineBytes = 64;

    private readonly byte[] _nonce = Encoding.ASCII.GetBytes(nonce);
    private readonly OutputHead _preface = new(8 << 10);
    private readonly List<byte> _held = [];
    private readonly StringBuilder _tail = new();
    private readonly TaskCompletionSource<int?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasBegun;

    /// <summary>Completes with the exit code, or with null when the standard error ended without one.</summary>
    public Task<int?> Ended => _ended.Task;

    /// <summary>What was said before the program began.</summary>
    public string Preface
    {
        get
        {
            lock (_preface)
                return Encoding.UTF8.GetString(_preface.Written.Span).Trim();
        }
    }

    /// <summary>The end of what the program has written.</summary>
    public string Text
    {
        get
        {
            lock (_tail)
                return _tail.ToString();
        }
    }

    /// <summary>Takes what has come, and an empty memory at the end.</summary>
    public async ValueTask TakeAsync(ReadOnlyMemory<byte> bytes)
    {
        _held.AddRange(bytes.Span);
        byte[] held = [.. _held];
        _held.Clear();
        int at = 0;
        bool isEnd = bytes.IsEmpty;
        while (true)
        {
            int found = held.AsSpan(at).IndexOf(_nonce);
            // What may be the beginning of the nonce, or has no end of its line yet, waits for more.
            int lineEnd = found < 0 ? -1 : held.AsSpan(at + found).IndexOf((byte)'\n');
            if (found >= 0 && lineEnd >= 0)
            {
                await GiveAsync(held.AsMemory(at, found)).ConfigureAwait(false);
                string word = Encoding.ASCII.GetString(held.AsSpan(at + found + _nonce.Length, lineEnd - _nonce.Length));
                at += found + lineEnd + 1;
                if (word.Length == 0)
                    _hasBegun = true;
                else if (int.TryParse(word.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int code))
                    _ended.TrySetResult(code);
                continue;
            }

            int keep = isEnd ? 0 : found >= 0 && held.Length - at - found <= MaxLineBytes ? held.Length - at - found : PartialLength(held.AsSpan(at));
            await GiveAsync(held.AsMemory(at, held.Length - at - keep)).ConfigureAwait(false);
            _held.AddRange(held.AsSpan(held.Length - keep));
            break;
        }

        if (!isEnd)
            return;
        _ended.TrySetResult(null);
        if (sink is not null)
            await sink(default).ConfigureAwait(false);
    }

    private async ValueTask GiveAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        if (!_hasBegun)
        {
            lock (_preface)
                _preface.Append(bytes.Span);
            return;
        }

        lock (_tail)
        {
            _tail.Append(Encoding.UTF8.GetString(bytes.Span));
            if (_tail.Length > KeptBytes)
                _tail.Remove(0, _tail.Length - KeptBytes);
        }

        if (sink is not null)
            await sink(bytes).ConfigureAwait(false);
    }

    /// <summary>How many bytes at the end may be the beginning of the nonce.</summary>
    private int PartialLength(ReadOnlySpan<byte> bytes)
    {
        for (int length = Math.Min(bytes.Length, _nonce.Length - 1); length > 0; length--)
        {
            if (_nonce.AsSpan().StartsWith(bytes[^length..]))
                return length;
        }

        return 0;
    }
}
