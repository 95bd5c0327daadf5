using System.Buffers;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

public sealed class LineFramingTests
{
    public static TheoryData<string, string[]> Golden => new()
    {
        { "\n", [""] },
        { "\r\n", [""] },
        { "a\n", ["a"] },
        { "a\r\n", ["a"] },
        { "a\rb\n", ["a\rb"] },
        { "\r\r\n", ["\r"] },
        { "{\"QMP\": {}}\r\n{\"return\": {}}\r\n", ["{\"QMP\": {}}", "{\"return\": {}}"] },
        { "\n\n\r\nx\n", ["", "", "", "x"] },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Every_line_is_found_however_the_bytes_are_cut(string text, string[] lines)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int first = 0; first <= bytes.Length; first++)
        {
            for (int second = first; second <= bytes.Length; second++)
            {
                ReadOnlySequence<byte> buffer = Segments.Cut(bytes, first, second);
                Assert.Equal(lines, ReadAll(ref buffer, 1000));
                Assert.True(buffer.IsEmpty);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void A_truncated_line_needs_more_and_leaves_the_buffer_alone(string text, string[] lines)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        int whole = text.IndexOf('\n', StringComparison.Ordinal) + 1;
        for (int length = 0; length < whole; length++)
        {
            for (int cut = 0; cut <= length; cut++)
            {
                ReadOnlySequence<byte> buffer = Segments.Cut(bytes.AsSpan(0, length), cut);
                long scanned = 0;
                Assert.False(LineFraming.TryReadLine(ref buffer, 1000, ref scanned, out _));
                Assert.Equal(length, buffer.Length);
                Assert.Equal(length, scanned);

                buffer = Segments.Cut(bytes.AsSpan(0, whole), cut, length);
                Assert.True(LineFraming.TryReadLine(ref buffer, 1000, ref scanned, out ReadOnlySequence<byte> line));
                Assert.Equal(lines[0], Encoding.ASCII.GetString(line.ToArray()));
                Assert.Equal(0, scanned);
            }
        }
    }

    [Theory]
    [InlineData("1234\n", true)]
    [InlineData("1234\r\n", true)]
    [InlineData("1234", true)]
    [InlineData("1234\r", true)]
    [InlineData("12345\n", false)]
    [InlineData("12345\r\n", false)]
    [InlineData("12345", false)]
    [InlineData("1234\r\r", false)]
    [InlineData("1234\r\r\n", false)]
    [InlineData("123456", false)]
    public void A_line_may_be_as_long_as_allowed_and_not_a_byte_longer(string text, bool allowed)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Exception? error = Record.Exception(() =>
            {
                ReadOnlySequence<byte> buffer = Segments.Cut(bytes, cut);
                LineFraming.TryReadLine(ref buffer, 4, out _);
            });
            if (allowed)
                Assert.Null(error);
            else
                Assert.Contains("4 are allowed", Assert.IsType<FramingException>(error).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Random_bytes_in_random_pieces_give_the_same_lines_as_reading_them_one_by_one()
    {
        for (int seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            int maxLineBytes = random.Next(0, 12);
            byte[] bytes = new byte[random.Next(0, 60)];
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = "ab\r\n"u8[random.Next(4)];

            string expected = Model(bytes, maxLineBytes);
            string actual = Arriving(bytes, maxLineBytes, random);
            Assert.True(expected == actual, $"seed {seed}, max {maxLineBytes}: expected {expected}, was {actual}");
        }
    }

    private static string Model(byte[] bytes, int maxLineBytes)
    {
        var text = new StringBuilder();
        int start = 0;
        for (int i = 0; i <= bytes.Length; i++)
        {
            bool atEnd = i == bytes.Length;
            if (!atEnd && bytes[i] != '\n')
                continue;
            int length = i - start;
            if (length > 0 && bytes[i - 1] == '\r')
                length--;
            if (length > maxLineBytes)
                return text.Append("too long").ToString();
            if (!atEnd)
                text.Append(Convert.ToHexString(bytes, start, length)).Append(';');
            start = i + 1;
        }

        return text.ToString();
    }

    private static string Arriving(byte[] bytes, int maxLineBytes, Random random)
    {
        var text = new StringBuilder();
        int consumed = 0;
        int arrived = 0;
        long scanned = 0;
        try
        {
            while (true)
            {
                int middle = random.Next(0, arrived - consumed + 1);
                ReadOnlySequence<byte> buffer = Segments.Cut(bytes.AsSpan(consumed..arrived), middle);
                while (LineFraming.TryReadLine(ref buffer, maxLineBytes, ref scanned, out ReadOnlySequence<byte> line))
                    text.Append(Convert.ToHexString(line.ToArray())).Append(';');
                consumed = arrived - (int)buffer.Length;
                if (arrived == bytes.Length)
                    return text.ToString();
                arrived = random.Next(arrived + 1, bytes.Length + 1);
            }
        }
        catch (FramingException)
        {
            return text.Append("too long").ToString();
        }
    }

    private static List<string> ReadAll(ref ReadOnlySequence<byte> buffer, int maxLineBytes)
    {
        var lines = new List<string>();
        while (LineFraming.TryReadLine(ref buffer, maxLineBytes, out ReadOnlySequence<byte> line))
            lines.Add(Encoding.ASCII.GetString(line.ToArray()));
        return lines;
    }
}
