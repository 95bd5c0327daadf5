using System.Buffers;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// Takes the chunked coding (RFC 9112, 7.1) off a body, in pieces of any size: it holds no bytes, so no length of a line can fill memory. Strict: line ends are CR LF, sizes are bare
/// hexadecimal digits.
/// </summary>
internal sealed class ChunkedDecoder(int maxTrailerBytes)
{
    /// <summary>Extensions of one chunk: nothing known uses any.</summary>
    private const int MaxChunkLineBytes = 4096;

    /// <summary>Framing beyond twice the bytes that it frames: a server that sends little else wants to be read for ever.</summary>
    private const int MaxExcessBytes = 64 * 1024;

    /// <summary>What fits a long.</summary>
    private const int MaxSizeDigits = 15;

    private static readonly SearchValues<byte> s_controls = SearchValues.Create([.. Enumerable.Range(0, 32).Where(c => c != '\t').Select(c => (byte)c), (byte)127]);

    private State _state;
    private long _size;
    private int _digits;
    private int _lineBytes;
    private int _trailerBytes;
    private long _excessBytes;

    private enum State
    {
        Size,
        Extension,
        SizeEnd,
        Data,
        DataCr,
        DataLf,
        TrailerStart,
        Trailer,
        TrailerLf,
        EndLf,
        Done,
    }

    public bool IsDone => _state == State.Done;

    public void Reset()
    {
        _state = State.Size;
        _size = _digits = _lineBytes = _trailerBytes = 0;
        _excessBytes = 0;
    }

    /// <summary>Adds the data in <paramref name="input"/> to <paramref name="output"/> and returns how many bytes it took: all, unless the body ended in it.</summary>
    /// <exception cref="HttpFault">The coding is broken.</exception>
    public int Decode(ReadOnlySpan<byte> input, BodyBuffer output)
    {
        int at = 0;
        while (at < input.Length && _state != State.Done)
        {
            switch (_state)
            {
                case State.Size:
                    OnSize(input[at++]);
                    break;
                case State.Extension:
                    at += SkipExtension(input[at..]);
                    break;
                case State.Data:
                    int count = (int)Math.Min(_size, input.Length - at);
                    output.Append(input.Slice(at, count));
                    at += count;
                    _size -= count;
                    if (_size == 0)
                        _state = State.DataCr;
                    break;
                case State.Trailer:
                    at += SkipTrailer(input[at..]);
                    break;
                default:
                    OnFraming(input[at++]);
                    break;
            }
        }

        return at;
    }

    private void OnSize(byte b)
    {
        CountLine(1);
        int digit = HexDigit(b);
        if (digit >= 0)
        {
            if (++_digits > MaxSizeDigits)
                HttpFault.TooLarge($"a chunk's size has more than {MaxSizeDigits} digits");
            _size = (_size << 4) | (uint)digit;
            return;
        }

        if (_digits == 0)
            HttpFault.Malformed($"a chunk's size begins with the byte 0x{b:X2}");
        if (b is not ((byte)'\r' or (byte)';' or (byte)' ' or (byte)'\t'))
            HttpFault.Malformed($"a chunk's size has the byte 0x{b:X2}");
        // Space before the semicolon is bad, but to be read (RFC 9112, 7.1.1); before the line's end it is what old servers pad with.
        _state = b == '\r' ? State.SizeEnd : State.Extension;
    }

    private int SkipExtension(ReadOnlySpan<byte> input)
    {
        int end = input.IndexOfAny(s_controls);
        int count = end < 0 ? input.Length : end + 1;
        CountLine(count);
        if (end >= 0)
        {
            if (input[end] != '\r')
                HttpFault.Malformed($"a chunk's extension has the byte 0x{input[end]:X2}");
            _state = State.SizeEnd;
        }

        return count;
    }

    private int SkipTrailer(ReadOnlySpan<byte> input)
    {
        int end = input.IndexOfAny(s_controls);
        int count = end < 0 ? input.Length : end + 1;
        CountTrailer(count);
        if (end >= 0)
        {
            if (input[end] != '\r')
                HttpFault.Malformed($"a trailer has the byte 0x{input[end]:X2}");
            _state = State.TrailerLf;
        }

        return count;
    }

    private void OnFraming(byte b)
    {
        switch (_state)
        {
            case State.SizeEnd:
                Expect(b, '\n', "a chunk's size is not ended by CR LF");
                EndSize();
                break;
            case State.DataCr:
                Expect(b, '\r', "a chunk's data is not followed by CR LF");
                _state = State.DataLf;
                break;
            case State.DataLf:
                Expect(b, '\n', "a chunk's data is not followed by CR LF");
                _state = State.Size;
                break;
            case State.TrailerStart:
                CountTrailer(1);
                if (b is < 32 and not (byte)'\r')
                    HttpFault.Malformed($"a trailer begins with the byte 0x{b:X2}");
                _state = b == '\r' ? State.EndLf : State.Trailer;
                break;
            case State.TrailerLf:
                Expect(b, '\n', "a trailer is not ended by CR LF");
                _state = State.TrailerStart;
                break;
            default:
                Expect(b, '\n', "the body is not ended by CR LF");
                _state = State.Done;
                break;
        }
    }

    private void EndSize()
    {
        _excessBytes = Math.Max(0, _excessBytes + _lineBytes - 16 - Math.Min(_size, int.MaxValue) * 2);
        if (_excessBytes > MaxExcessBytes)
            HttpFault.TooLarge("the chunks are more framing than data");
        _state = _size == 0 ? State.TrailerStart : State.Data;
        _digits = _lineBytes = 0;
    }

    private void CountLine(int bytes)
    {
        if ((_lineBytes += bytes) > MaxChunkLineBytes)
            HttpFault.TooLarge($"the line of a chunk's size is longer than {MaxChunkLineBytes} bytes");
    }

    private void CountTrailer(int bytes)
    {
        if ((_trailerBytes += bytes) > maxTrailerBytes)
            HttpFault.TooLarge($"the trailers are longer than {maxTrailerBytes} bytes");
    }

    private static void Expect(byte b, char wanted, string what)
    {
        if (b != wanted)
            HttpFault.Malformed(what);
    }

    private static int HexDigit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
