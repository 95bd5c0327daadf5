using System.Text;

namespace Hypervisor.Sdk.Simulation.Traces;

/// <summary>The lines of a trace's text. The last one has its end too: what lacks it was cut, and may read as something else than what happened.</summary>
internal sealed class TraceText(TextReader reader)
{
    /// <summary>A line has what was written into a guest's file at once (64 MiB at most), whose bytes may take six characters each.</summary>
    private const int MaxLineChars = 416 << 20;

    private readonly char[] _buffer = new char[16 << 10];
    private int _start;
    private int _end;

    /// <summary>The number of the line that was read last, from 1 on.</summary>
    public long Number { get; private set; }

    /// <summary>The next line; null after the last.</summary>
    /// <exception cref="FormatException">It has no end, or is longer than a line can be.</exception>
    public string? ReadLine()
    {
        StringBuilder? begun = null;
        Number++;
        while (true)
        {
            var rest = _buffer.AsSpan(_start, _end - _start);
            int end = rest.IndexOf('\n');
            if ((begun?.Length ?? 0) + (end < 0 ? rest.Length : end) > MaxLineChars)
                throw new FormatException($"Line {Number} of this trace is longer than {MaxLineChars} characters.");
            if (end >= 0)
            {
                _start += end + 1;
                string line = begun is null ? new string(rest[..end]) : begun.Append(rest[..end]).ToString();
                return line.EndsWith('\r') ? line[..^1] : line;
            }

            if (rest.Length > 0)
                (begun ??= new StringBuilder()).Append(rest);
            _start = 0;
            _end = reader.Read(_buffer);
            if (_end == 0)
                return begun is null ? null : throw new FormatException($"Line {Number} of this trace has no end: the trace was cut there. Make it anew.");
        }
    }
}
