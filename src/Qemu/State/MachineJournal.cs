using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.State;

/// <summary>
/// The journal of a machine: what was asked of it and how that ended, a line an entry, each with a checksum. Written by whoever holds the machine's lock and flushed before anything it announces is done; a line that
/// a crash has cut short is not one. Bounded: the oldest operations that have ended go first.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineJournal
{
    /// <summary>How many operations are kept.</summary>
    public const int KeptOperations = 128;

    private const int MaxBytes = 4 << 20;
    private const int CompactAboveBytes = 256 << 10;

    private readonly RootedDirectory _root;
    private readonly string _path;
    private readonly List<JournalEntry> _entries;
    private long _length;

    private MachineJournal(RootedDirectory root, string path, List<JournalEntry> entries, long length)
    {
        _root = root;
        _path = path;
        _entries = entries;
        _length = length;
    }

    /// <summary>The entries, the oldest first.</summary>
    public IReadOnlyList<JournalEntry> Entries => _entries;

    /// <summary>The operations that have begun and not ended.</summary>
    public IEnumerable<JournalEntry> Open => _entries.Where(entry => entry.Outcome is null && EndOf(entry.Operation) is null);

    /// <summary>The highest fencing token that was seen.</summary>
    public long? HighestFencingToken => _entries.Max(entry => entry.FencingToken);

    /// <summary>Reads a journal; an empty one when there is none.</summary>
    public static MachineJournal Read(RootedDirectory root, string path)
    {
        byte[] content = root.Read(path, MaxBytes) ?? [];
        var entries = new List<JournalEntry>();
        int length = 0;
        while (content.AsSpan(length).IndexOf((byte)'\n') is >= 0 and int end && TryParse(content.AsSpan(length, end), out var entry))
        {
            entries.Add(entry!);
            length += end + 1;
        }

        return new MachineJournal(root, path, entries, length);
    }

    /// <summary>The beginning of an operation; null when there is none of that number.</summary>
    public JournalEntry? BeginningOf(long operation) => _entries.Find(entry => entry.Operation == operation && entry.Outcome is null);

    /// <summary>The end of an operation; null while it has none.</summary>
    public JournalEntry? EndOf(long operation) => _entries.Find(entry => entry.Operation == operation && entry.Outcome is not null);

    /// <summary>The beginning of the operation that a request asked for; null when none is kept.</summary>
    public JournalEntry? Find(RequestId request) => _entries.FindLast(entry => entry.Request == request.ToGuid());

    /// <summary>Writes that an operation begins.</summary>
    /// <returns>Its number.</returns>
    public long Begin(string kind, RequestId request, DateTimeOffset at, long? fencingToken = null, string? intent = null)
    {
        long operation = _entries.Count == 0 ? 1 : _entries.Max(entry => entry.Operation) + 1;
        Append(new JournalEntry { Operation = operation, Kind = kind, Request = request.ToGuid(), At = at, FencingToken = fencingToken, Intent = intent });
        return operation;
    }

    /// <summary>Writes that an operation has ended.</summary>
    public void End(long operation, string outcome, DateTimeOffset at, HypervisorException? error = null) =>
        Append(new JournalEntry { Operation = operation, Outcome = outcome, At = at, Error = error is null ? null : JournalError.Of(error) });

    private void Append(JournalEntry entry)
    {
        if (_length > CompactAboveBytes || _entries.Count > 4 * KeptOperations)
            Compact();
        byte[] line = ToLine(entry);
        using (var file = _root.Find(_path) is null ? _root.CreateFile(_path) : _root.OpenFile(_path, FileAccess.ReadWrite))
        {
            // What a crash has left after the last whole line goes first.
            if (RootedDirectory.FactsOf(file).Length > _length)
                _root.SetLength(file, _length, _path);
            _root.Write(file, line, _length, _path);
            _root.FlushFile(file, _path);
        }

        if (_length == 0)
            _root.FlushDirectory(Path.GetDirectoryName(_path));
        _entries.Add(entry);
        _length += line.Length;
    }

    private void Compact()
    {
        var open = Open.Select(entry => entry.Operation).ToHashSet();
        var kept = _entries.Select(entry => entry.Operation).Distinct().Where(operation => !open.Contains(operation)).TakeLast(KeptOperations).ToHashSet();
        kept.UnionWith(open);
        long? fence = HighestFencingToken;
        _entries.RemoveAll(entry => !kept.Contains(entry.Operation));
        // The token that fences others off must not be forgotten with the operation that brought it.
        if (_entries.FindIndex(entry => entry.Outcome is null) is >= 0 and int first && fence > (HighestFencingToken ?? long.MinValue))
            _entries[first] = _entries[first] with { FencingToken = fence };
        byte[] content = [.. _entries.SelectMany(ToLine)];
        _root.AtomicWrite(_path, content);
        _length = content.Length;
    }

    private static byte[] ToLine(JournalEntry entry)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(entry, StateJson.Default.JournalEntry);
        return [.. Checksum(json), (byte)' ', .. json, (byte)'\n'];
    }

    private static bool TryParse(ReadOnlySpan<byte> line, out JournalEntry? entry)
    {
        entry = null;
        int space = line.IndexOf((byte)' ');
        if (space < 0 || !line[..space].SequenceEqual(Checksum(line[(space + 1)..])))
            return false;
        entry = JsonSerializer.Deserialize(line[(space + 1)..], StateJson.Default.JournalEntry);
        return entry is not null;
    }

    private static byte[] Checksum(ReadOnlySpan<byte> json) => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(json).AsSpan(0, 8)));
}
