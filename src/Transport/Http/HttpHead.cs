using System.Buffers;
using System.Text;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// The head of a response (RFC 9112, 4 and 5), parsed line by line as it arrives into memory of its own, which is used again. Strict: lines end in CR LF, names are tokens, values have no
/// control characters, nothing is folded, and the body's length is said once or not at all.
/// </summary>
internal sealed class HttpHead(int maxBytes)
{
    /// <summary>Enough for every server known, and few enough to look through.</summary>
    private const int MaxFields = 256;
    private const int KeptBytes = 8 * 1024;

    private static readonly SearchValues<byte> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);
    private static readonly SearchValues<byte> s_controls = SearchValues.Create([.. Enumerable.Range(0, 32).Where(c => c != '\t').Select(c => (byte)c), (byte)127]);

    private byte[] _bytes = new byte[1024];
    private Field[] _fields = new Field[16];
    private int _length;
    private int _lineStart;
    private bool _isHttp11;
    private bool _saysClose;
    private bool _saysKeepAlive;

    /// <summary>How many bytes of it have arrived.</summary>
    public int Length => _length;

    public int Status { get; private set; }

    /// <summary>The number of headers.</summary>
    public int Count { get; private set; }

    /// <summary>What Content-Length says, or -1.</summary>
    public long ContentLength { get; private set; }

    public bool IsChunked { get; private set; }

    /// <summary>The connection may be used again after the body.</summary>
    public bool KeepsAlive => !_saysClose && (_isHttp11 || _saysKeepAlive);

    public void Reset()
    {
        if (_bytes.Length > KeptBytes)
            _bytes = new byte[1024];
        _length = _lineStart = Count = Status = 0;
        ContentLength = -1;
        IsChunked = _isHttp11 = _saysClose = _saysKeepAlive = false;
    }

    /// <summary>Takes bytes off the front of <paramref name="buffer"/>: true when the head is complete, else all were taken.</summary>
    /// <exception cref="HttpFault">It is not a head, or too long.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> buffer)
    {
        long taken = 0;
        foreach (ReadOnlyMemory<byte> memory in buffer)
        {
            ReadOnlySpan<byte> span = memory.Span;
            while (!span.IsEmpty)
            {
                int lineFeed = span.IndexOf((byte)'\n');
                int count = lineFeed < 0 ? span.Length : lineFeed + 1;
                Append(span[..count]);
                span = span[count..];
                taken += count;
                if (lineFeed >= 0 && EndLine())
                {
                    buffer = buffer.Slice(taken);
                    return true;
                }
            }
        }

        buffer = buffer.Slice(buffer.End);
        return false;
    }

    public void Get(int index, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        Field field = _fields[index];
        name = _bytes.AsSpan(field.Name, field.NameLength);
        value = _bytes.AsSpan(field.Value, field.ValueLength);
    }

    /// <summary>The first header of the name, whatever its case.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        foreach (ref readonly Field field in _fields.AsSpan(0, Count))
        {
            if (field.NameLength == name.Length && Ascii.EqualsIgnoreCase(_bytes.AsSpan(field.Name, field.NameLength), name))
            {
                value = _bytes.AsSpan(field.Value, field.ValueLength);
                return true;
            }
        }

        value = default;
        return false;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > maxBytes - _length)
            HttpFault.TooLarge($"the head is longer than {maxBytes} bytes");
        if (bytes.Length > _bytes.Length - _length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + bytes.Length));
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>A line is there; true when it is the empty one that ends the head.</summary>
    private bool EndLine()
    {
        int start = _lineStart;
        int end = _length - 2;
        if (end < start || _bytes[end] != '\r')
            HttpFault.Malformed("a line of the head ends in a bare line feed");
        _lineStart = _length;
        if (Status == 0)
            ParseStatus(_bytes.AsSpan(start, end - start));
        else if (end == start)
            return true;
        else
            ParseField(start, end);
        return false;
    }

    /// <summary>HTTP/1.1 SP 3DIGIT SP reason. A missing reason with its space is what some servers send.</summary>
    private void ParseStatus(ReadOnlySpan<byte> line)
    {
        _isHttp11 = line.StartsWith("HTTP/1.1 "u8);
        if (line.Length < 12 || (!_isHttp11 && !line.StartsWith("HTTP/1.0 "u8)) || (line.Length > 12 && line[12] != ' ') || line.ContainsAny(s_controls))
            HttpFault.Malformed("the status line is not one of HTTP/1.1");
        int status = 0;
        foreach (byte digit in line.Slice(9, 3))
        {
            if (!char.IsAsciiDigit((char)digit))
                HttpFault.Malformed("the status is not a number of three digits");
            status = (status * 10) + digit - '0';
        }

        if (status < 100)
            HttpFault.Malformed($"the status is {status:000}");
        Status = status;
    }

    private void ParseField(int start, int end)
    {
        ReadOnlySpan<byte> line = _bytes.AsSpan(start, end - start);
        int colon = line.IndexOf((byte)':');
        if (colon <= 0 || line[..colon].ContainsAnyExcept(s_token))
            HttpFault.Malformed("a header has no name, or one that is not a token");
        int from = colon + 1;
        int to = line.Length;
        while (from < to && line[from] is (byte)' ' or (byte)'\t')
            from++;
        while (to > from && line[to - 1] is (byte)' ' or (byte)'\t')
            to--;
        ReadOnlySpan<byte> value = line[from..to];
        if (value.ContainsAny(s_controls))
            HttpFault.Malformed("a header's value has a control character");
        if (Count == MaxFields)
            HttpFault.TooLarge($"the head has more than {MaxFields} headers");
        if (Count == _fields.Length)
            Array.Resize(ref _fields, Count * 2);
        _fields[Count++] = new Field(start, colon, start + from, to - from);
        NoteFraming(line[..colon], value);
    }

    private void NoteFraming(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        switch (name.Length)
        {
            case 10 when Ascii.EqualsIgnoreCase(name, "connection"u8):
                _saysClose |= HasWord(value, "close"u8);
                _saysKeepAlive |= HasWord(value, "keep-alive"u8);
                break;
            case 14 when Ascii.EqualsIgnoreCase(name, "content-length"u8):
                if (ContentLength >= 0 || IsChunked)
                    HttpFault.Malformed("the body's length is said twice");
                ContentLength = ParseLength(value);
                break;
            case 17 when Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8):
                if (ContentLength >= 0 || IsChunked)
                    HttpFault.Malformed("the body's length is said twice");
                if (!_isHttp11 || !Ascii.EqualsIgnoreCase(value, "chunked"u8))
                    HttpFault.Malformed("the transfer coding is not 'chunked' alone, in HTTP/1.1");
                IsChunked = true;
                break;
        }
    }

    private static long ParseLength(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            HttpFault.Malformed("Content-Length is not one number");
        long length = 0;
        foreach (byte digit in value)
        {
            if (length > (long.MaxValue - 9) / 10)
                HttpFault.TooLarge("Content-Length is more than 2^63");
            length = (length * 10) + digit - '0';
        }

        return length;
    }

    private static bool HasWord(ReadOnlySpan<byte> list, ReadOnlySpan<byte> word)
    {
        foreach (Range range in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(list[range].Trim(" \t"u8), word))
                return true;
        }

        return false;
    }

    private readonly record struct Field(int Name, int NameLength, int Value, int ValueLength);
}
