using System.Buffers;
using System.Buffers.Binary;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

public sealed class LengthFramingTests
{
    public static TheoryData<bool, bool> Formats => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    [Theory]
    [InlineData(false, false, "00000003616263")]
    [InlineData(false, true, "00000007616263")]
    [InlineData(true, false, "03000000616263")]
    [InlineData(true, true, "07000000616263")]
    [InlineData(false, true, "00000004")]
    [InlineData(true, false, "00000000")]
    public void Golden_frames_are_read_at_every_cut_and_written_alike(bool littleEndian, bool countsItself, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        var format = new LengthFormat { MaxPayloadBytes = 3, LittleEndian = littleEndian, CountsItself = countsItself };
        byte[] twice = [.. bytes, .. bytes];
        for (int first = 0; first <= twice.Length; first++)
        {
            for (int second = first; second <= twice.Length; second++)
            {
                ReadOnlySequence<byte> buffer = Segments.Cut(twice, first, second);
                for (int i = 0; i < 2; i++)
                {
                    Assert.True(LengthFraming.TryReadFrame(ref buffer, format, out ReadOnlySequence<byte> payload));
                    Assert.Equal(bytes[4..], payload.ToArray());
                }

                Assert.True(buffer.IsEmpty);
            }
        }

        byte[] prefix = new byte[4];
        LengthFraming.WriteLength(prefix, format, bytes.Length - 4);
        Assert.Equal(bytes[..4], prefix);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_truncated_frame_needs_more_and_leaves_the_buffer_alone(bool littleEndian, bool countsItself)
    {
        var format = new LengthFormat { MaxPayloadBytes = 100, LittleEndian = littleEndian, CountsItself = countsItself };
        byte[] bytes = Frame(format, new byte[9]);
        for (int length = 0; length < bytes.Length; length++)
        {
            for (int cut = 0; cut <= length; cut++)
            {
                ReadOnlySequence<byte> buffer = Segments.Cut(bytes.AsSpan(0, length), cut);
                Assert.False(LengthFraming.TryReadFrame(ref buffer, format, out _));
                Assert.Equal(length, buffer.Length);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_impossible_length_throws_as_soon_as_its_four_bytes_are_there(bool littleEndian, bool countsItself)
    {
        const int Min = 8;
        const int Max = 1000;
        var format = new LengthFormat { MinPayloadBytes = Min, MaxPayloadBytes = Max, LittleEndian = littleEndian, CountsItself = countsItself };
        long own = countsItself ? 4 : 0;
        long[] lengths =
        [
            .. Enumerable.Range(0, Max + 300).Select(length => (long)length),
            int.MaxValue - 1, int.MaxValue, int.MaxValue + 1L, uint.MaxValue - 4, uint.MaxValue - 3, uint.MaxValue - 2, uint.MaxValue - 1, uint.MaxValue,
            .. Enumerable.Range(10, 22).Select(bit => 1L << bit),
        ];
        foreach (long length in lengths)
        {
            byte[] prefix = new byte[4];
            if (littleEndian)
                BinaryPrimitives.WriteUInt32LittleEndian(prefix, (uint)length);
            else
                BinaryPrimitives.WriteUInt32BigEndian(prefix, (uint)length);
            for (int cut = 0; cut <= 4; cut++)
            {
                var buffer = Segments.Cut(prefix, cut);
                Exception? error = Record.Exception(() => LengthFraming.TryReadFrame(ref buffer, format, out _));
                if (length - own is >= Min and <= Max)
                    Assert.Null(error);
                else
                    Assert.Contains(length.ToString(), Assert.IsType<FramingException>(error).Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_limit_of_the_largest_integer_does_not_wrap()
    {
        var format = new LengthFormat { MaxPayloadBytes = int.MaxValue, CountsItself = true };
        ReadOnlySequence<byte> buffer = Segments.Cut([0x80, 0, 0, 3]);
        Assert.False(LengthFraming.TryReadFrame(ref buffer, format, out _));
        byte[] prefix = new byte[4];
        LengthFraming.WriteLength(prefix, format, int.MaxValue);
        Assert.Equal([0x80, 0, 0, 3], prefix);
        buffer = Segments.Cut([0x80, 0, 0, 4]);
        Assert.Throws<FramingException>(() => LengthFraming.TryReadFrame(ref buffer, format, out _));
    }

    [Fact]
    public void A_payload_that_the_peer_would_refuse_is_not_written()
    {
        var format = new LengthFormat { MinPayloadBytes = 2, MaxPayloadBytes = 10 };
        Assert.Throws<ArgumentOutOfRangeException>(() => LengthFraming.WriteLength(new byte[4], format, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LengthFraming.WriteLength(new byte[4], format, 11));
    }

    [Fact]
    public void Random_frames_in_random_pieces_come_out_as_they_went_in_and_random_bytes_never_do_harm()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            var format = new LengthFormat
            {
                MinPayloadBytes = random.Next(0, 3),
                MaxPayloadBytes = random.Next(3, 40),
                LittleEndian = random.Next(2) == 0,
                CountsItself = random.Next(2) == 0,
            };
            var payloads = new List<byte[]>();
            var stream = new List<byte>();
            for (int i = random.Next(0, 6); i > 0; i--)
            {
                byte[] payload = new byte[random.Next(format.MinPayloadBytes, format.MaxPayloadBytes + 1)];
                random.NextBytes(payload);
                payloads.Add(payload);
                stream.AddRange(Frame(format, payload));
            }

            byte[] bytes = [.. stream];
            Assert.Equal(payloads, ReadInPieces(bytes, format, random, out int left));
            Assert.Equal(0, left);

            if (bytes.Length == 0)
                continue;
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            Exception? error = Record.Exception(() => ReadInPieces(bytes, format, random, out _));
            Assert.True(error is null or FramingException, $"seed {seed}: {error}");
        }
    }

    private static byte[] Frame(LengthFormat format, byte[] payload)
    {
        byte[] frame = new byte[4 + payload.Length];
        LengthFraming.WriteLength(frame, format, payload.Length);
        payload.CopyTo(frame, 4);
        return frame;
    }

    private static List<byte[]> ReadInPieces(byte[] bytes, LengthFormat format, Random random, out int left)
    {
        var payloads = new List<byte[]>();
        int consumed = 0;
        int arrived = 0;
        while (true)
        {
            ReadOnlySequence<byte> buffer = Segments.Cut(bytes.AsSpan(consumed..arrived), random.Next(0, arrived - consumed + 1));
            while (LengthFraming.TryReadFrame(ref buffer, format, out ReadOnlySequence<byte> payload))
                payloads.Add(payload.ToArray());
            consumed = arrived - (int)buffer.Length;
            left = bytes.Length - consumed;
            if (arrived == bytes.Length)
                return payloads;
            arrived = random.Next(arrived + 1, bytes.Length + 1);
        }
    }
}
