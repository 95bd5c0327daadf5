using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Traces;

namespace Hypervisor.Sdk.Simulation;

/// <summary>
/// Everything that happened in a simulation, a line each, in its order. The first line of its text is <c>hvsdk-trace 1 seed=7</c>: the version of the form and the seed. Safe to use from several threads.
/// </summary>
public sealed class SimulationTrace
{
    /// <summary>The version of the form that <see cref="WriteTo"/> writes and <see cref="Read"/> reads.</summary>
    public const int Version = 1;

    private const string Magic = "hvsdk-trace";
    private const int ContextLines = 5;

    private readonly Lock _lock = new();
    private readonly Queue<TraceLine> _lines = [];
    private readonly int _capacity;

    internal SimulationTrace(ulong seed, int capacity)
    {
        Seed = seed;
        _capacity = capacity;
    }

    /// <summary>The seed of the simulation.</summary>
    public ulong Seed { get; }

    /// <summary>How many lines have gone because there were more than are kept; the oldest go first.</summary>
    public long DroppedLines { get; private set; }

    /// <summary>The lines that are kept, as they are now.</summary>
    public IReadOnlyList<TraceLine> Lines
    {
        get
        {
            lock (_lock)
                return [.. _lines];
        }
    }

    /// <summary>How many lines there have been.</summary>
    internal long Count
    {
        get
        {
            lock (_lock)
                return DroppedLines + _lines.Count;
        }
    }

    /// <summary>Writes it.</summary>
    public void WriteTo(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"{Magic} {Version} seed={Seed}\n"));
        if (DroppedLines > 0)
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"# {DroppedLines} older lines were dropped\n"));
        var text = new StringBuilder();
        foreach (var line in Lines)
        {
            text.Clear();
            line.AppendTo(text);
            text.Append('\n');
            writer.Write(text);
        }
    }

    /// <summary>The text that <see cref="Read"/> reads.</summary>
    public override string ToString()
    {
        using var writer = new StringWriter(CultureInfo.InvariantCulture);
        WriteTo(writer);
        return writer.ToString();
    }

    /// <summary>Reads what <see cref="WriteTo"/> wrote. Lines that begin with <c>#</c> are skipped.</summary>
    /// <exception cref="FormatException">It is not a trace, one of another version, or it ends in the middle of a line; the message names the line.</exception>
    public static SimulationTrace Read(TextReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var lines = new TraceText(reader);
        string[] header = (lines.ReadLine() ?? "").Split(' ');
        if (header.Length < 2 || header[0] != Magic || !int.TryParse(header[1], NumberStyles.None, CultureInfo.InvariantCulture, out int version))
            throw new FormatException($"This is not a trace: its first line does not begin with '{Magic}' and a version.");
        if (version != Version)
            throw new FormatException($"This trace has the form of version {version}; version {Version} can be read. Make it anew.");
        if (header.Length < 3 || !header[2].StartsWith("seed=", StringComparison.Ordinal) || !ulong.TryParse(header[2].AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed))
            throw new FormatException("The first line of this trace names no seed.");
        var trace = new SimulationTrace(seed, int.MaxValue);
        while (lines.ReadLine() is { } line)
        {
            if (!line.StartsWith('#'))
                trace.Add(line, lines.Number);
        }

        return trace;
    }

    /// <summary>The first difference between two traces; null when they are the same.</summary>
    /// <param name="expected">The one.</param>
    /// <param name="actual">The other.</param>
    public static TraceDifference? Compare(SimulationTrace expected, SimulationTrace actual)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(actual);
        var one = expected.Lines;
        var other = actual.Lines;
        for (int i = 0; i < Math.Max(one.Count, other.Count); i++)
        {
            TraceLine? left = i < one.Count ? one[i] : null;
            TraceLine? right = i < other.Count ? other[i] : null;
            if (left != right)
                return new TraceDifference { Line = i + 1, Expected = left, Actual = right, Before = [.. one.Take(i).TakeLast(ContextLines)] };
        }

        return null;
    }

    internal void Add(long ticks, string kind, string subject, string details)
    {
        lock (_lock)
        {
            if (_lines.Count == _capacity)
            {
                _lines.Dequeue();
                DroppedLines++;
            }

            _lines.Enqueue(new TraceLine { At = new TimeSpan(ticks), Kind = kind, Subject = subject, Details = details });
        }
    }

    private void Add(string line, long number)
    {
        try
        {
            _lines.Enqueue(TraceLine.Parse(line));
        }
        catch (FormatException error)
        {
            throw new FormatException($"Line {number} of this trace: {error.Message}", error);
        }
    }
}
