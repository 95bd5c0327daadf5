using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The picture on a guest's screen: coloured bars that tell one guest from another, dark until it has booted.</summary>
internal static class GuestScreen
{
    public const int Width = 320;
    public const int Height = 200;
    private const int Bars = 8;

    /// <summary>The colour of a point as 0xRRGGBB.</summary>
    public static int ColorAt(SimGuest guest, int x, int y)
    {
        ulong bits = guest.LoadSeed;
        int bar = x * Bars / Width;
        int color = (int)((bits >> (bar * 7)) & 0xFFFFFF);
        // Below, how busy it is: as wide as the share of its CPUs.
        if (y >= Height - 20)
            return x < guest.CpuNow * Width ? 0x40C040 : 0x202020;
        return guest.IsUp ? color : (color >> 2) & 0x3F3F3F;
    }

    /// <summary>The picture as PNG (ISO/IEC 15948): true colour, 8 bits, not interlaced.</summary>
    public static byte[] ToPng(SimGuest guest)
    {
        var rows = new MemoryStream();
        using (var compressed = new ZLibStream(rows, CompressionLevel.Fastest, leaveOpen: true))
        {
            byte[] row = new byte[1 + (Width * 3)];
            for (int y = 0; y < Height; y++)
            {
                for (int x = 0; x < Width; x++)
                {
                    int color = ColorAt(guest, x, y);
                    (row[1 + (x * 3)], row[2 + (x * 3)], row[3 + (x * 3)]) = ((byte)(color >> 16), (byte)(color >> 8), (byte)color);
                }

                compressed.Write(row);
            }
        }

        var png = new MemoryStream();
        png.Write([0x89, .. "PNG\r\n\u001a\n"u8]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Height);
        (header[8], header[9]) = (8, 2);
        WriteChunk(png, "IHDR", header);
        WriteChunk(png, "IDAT", rows.ToArray());
        WriteChunk(png, "IEND", []);
        return png.ToArray();
    }

    private static void WriteChunk(MemoryStream png, string type, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        png.Write(number);
        byte[] checkedPart = [.. Encoding.ASCII.GetBytes(type), .. content];
        png.Write(checkedPart);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(checkedPart));
        png.Write(number);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte one in bytes)
        {
            crc ^= one;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (uint)-(int)(crc & 1));
        }

        return ~crc;
    }
}
