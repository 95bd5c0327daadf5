using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// Makes small CD images of files in one directory: ISO 9660 (ECMA-119) with the names as they are by Rock Ridge (Linux, BSD; IEEE P1282) and by Joliet (Windows).
/// </summary>
/// <remarks>What guests are handed at their first boot: seeds of cloud-init, answer files. Files are for their owner, root, alone.</remarks>
public static class IsoImage
{
    private const int SectorBytes = 2048;
    private const int PathTableBytes = 10;
    private const int FirstSector = 16;
    private const int RootSector = FirstSector + 7;
    private const int MaxNameChars = 64;
    private const int MaxFiles = 1000;
    private const int MaxFileBytes = 64 << 20;

    /// <summary>Makes an image.</summary>
    /// <param name="label">The name of the volume, by which guests find it: 1 to 16 letters, digits and <c>_</c>.</param>
    /// <param name="files">What is on it: at most 1000 files.</param>
    /// <param name="created">When it was made, which all files bear too. The same files, label and moment give the same bytes.</param>
    /// <returns>The bytes: a multiple of 2048.</returns>
    /// <exception cref="ArgumentException">A label or a name breaks its rule, or there is too much.</exception>
    public static byte[] Create(string label, IReadOnlyList<IsoFile> files, DateTimeOffset created)
    {
        Check(label, files);
        return new Layout(label, files, created.ToUniversalTime()).Write();
    }

    /// <summary>Refuses what cannot be on an image.</summary>
    internal static void Check(string label, IReadOnlyList<IsoFile> files)
    {
        ArgumentNullException.ThrowIfNull(label);
        ArgumentNullException.ThrowIfNull(files);
        if (label.Length is 0 or > 16 || label.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_'))
            throw new ArgumentException("A label is 1 to 16 letters, digits and '_'.", nameof(label));
        if (files.Count > MaxFiles)
            throw new ArgumentException($"There are {files.Count} files; at most {MaxFiles} go on an image.", nameof(files));
        foreach (var file in files)
            Check(file);
        if (files.Select(file => file.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count() != files.Count)
            throw new ArgumentException("Two files have one name.", nameof(files));
    }

    private static void Check(IsoFile file)
    {
        if (file.Name.Length is 0 or > MaxNameChars || !char.IsAsciiLetterOrDigit(file.Name[0]) || file.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            throw new ArgumentException($"A file's name is 1 to {MaxNameChars} letters, digits, '-', '_' and '.', the first a letter or digit.", nameof(file));
        if (file.Content.Length > MaxFileBytes)
            throw new ArgumentException($"'{file.Name}' has {file.Content.Length} bytes; a file has at most {MaxFileBytes}.", nameof(file));
    }

    private static int Sectors(int bytes) => (bytes + SectorBytes - 1) / SectorBytes;

    /// <summary>Where everything lies, and the writing of it.</summary>
    private sealed class Layout
    {
        private readonly string _label;
        private readonly DateTimeOffset _created;
        private readonly List<Entry> _files;
        private readonly byte[] _plainRoot;
        private readonly byte[] _jolietRoot;
        private readonly int _jolietRootSector;
        private readonly int _sectors;

        public Layout(string label, IReadOnlyList<IsoFile> files, DateTimeOffset created)
        {
            (_label, _created) = (label, created);
            _files = Entries(files);
            // How long a directory is does not depend on where things lie, so it is written twice: to learn its length, and for good.
            int plainSectors = Sectors(WriteDirectory(isJoliet: false, RootSector, 0).Length), jolietSectors = Sectors(WriteDirectory(isJoliet: true, 0, 0).Length);
            _jolietRootSector = RootSector + plainSectors;
            int next = _jolietRootSector + jolietSectors;
            foreach (var file in _files)
            {
                file.Sector = next;
                next += Sectors(file.File.Content.Length);
            }

            _sectors = next;
            _plainRoot = WriteDirectory(isJoliet: false, RootSector, plainSectors * SectorBytes);
            _jolietRoot = WriteDirectory(isJoliet: true, _jolietRootSector, jolietSectors * SectorBytes);
        }

        public byte[] Write()
        {
            byte[] image = new byte[_sectors * SectorBytes];
            WriteDescriptor(Sector(image, FirstSector), isJoliet: false);
            WriteDescriptor(Sector(image, FirstSector + 1), isJoliet: true);
            var end = Sector(image, FirstSector + 2);
            (end[0], end[6]) = (255, 1);
            "CD001"u8.CopyTo(end[1..]);
            for (int table = 0; table < 4; table++)
                WritePathTable(Sector(image, FirstSector + 3 + table), table < 2 ? RootSector : _jolietRootSector, isBigEndian: table % 2 == 1);
            _plainRoot.CopyTo(Sector(image, RootSector));
            _jolietRoot.CopyTo(Sector(image, _jolietRootSector));
            foreach (var file in _files)
                file.File.Content.Span.CopyTo(image.AsSpan(file.Sector * SectorBytes));
            return image;
        }

        /// <summary>The files in the order of their plain names, which are 8 and 3 capitals and unlike each other.</summary>
        private static List<Entry> Entries(IReadOnlyList<IsoFile> files)
        {
            var taken = new HashSet<string>(StringComparer.Ordinal);
            return [.. files.Select(file => new Entry(file, PlainName(file.Name, taken))).OrderBy(entry => entry.PlainName, StringComparer.Ordinal)];
        }

        private static string PlainName(string name, HashSet<string> taken)
        {
            string upper = string.Concat(name.ToUpperInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c == '.' ? c : '_'));
            int dot = upper.LastIndexOf('.');
            string stem = (dot > 0 ? upper[..dot] : upper).Replace('.', '_');
            string ending = dot > 0 ? upper[(dot + 1)..] : "";
            stem = stem[..Math.Min(8, stem.Length)];
            ending = ending[..Math.Min(3, ending.Length)];
            string plain = $"{stem}.{ending};1";
            for (int number = 1; !taken.Add(plain); number++)
            {
                string suffix = number.ToString(CultureInfo.InvariantCulture);
                plain = $"{stem[..Math.Min(stem.Length, 8 - suffix.Length)]}{suffix}.{ending};1";
            }

            return plain;
        }

        private static Span<byte> Sector(byte[] image, int number) => image.AsSpan(number * SectorBytes);

        private byte[] WriteDirectory(bool isJoliet, int sector, int bytes)
        {
            var directory = new List<byte>();
            Add(directory, Record([0], sector, bytes, isDirectory: true, isJoliet ? [] : [.. s_rockRidgeBegins, .. s_directoryAttributes, .. s_rockRidgeNamed]));
            Add(directory, Record([1], sector, bytes, isDirectory: true, isJoliet ? [] : s_directoryAttributes));
            foreach (var file in isJoliet ? _files.OrderBy(file => file.File.Name, StringComparer.Ordinal) : _files.AsEnumerable())
            {
                byte[] name = isJoliet ? Encoding.BigEndianUnicode.GetBytes(file.File.Name + ";1") : Encoding.ASCII.GetBytes(file.PlainName);
                Add(directory, Record(name, file.Sector, file.File.Content.Length, isDirectory: false, isJoliet ? [] : [.. s_fileAttributes, .. AlternateName(file.File.Name)]));
            }

            while (directory.Count % SectorBytes != 0)
                directory.Add(0);
            return [.. directory];
        }

        /// <summary>Adds a record, which never crosses the border of a sector.</summary>
        private static void Add(List<byte> directory, byte[] record)
        {
            if ((directory.Count % SectorBytes) + record.Length > SectorBytes)
            {
                while (directory.Count % SectorBytes != 0)
                    directory.Add(0);
            }

            directory.AddRange(record);
        }

        /// <summary>A directory record (ECMA-119, 9.1).</summary>
        private byte[] Record(ReadOnlySpan<byte> name, int sector, int bytes, bool isDirectory, ReadOnlySpan<byte> systemUse)
        {
            int nameEnd = 33 + name.Length + (name.Length % 2 == 0 ? 1 : 0);
            int length = nameEnd + systemUse.Length;
            byte[] record = new byte[length + (length % 2)];
            record[0] = (byte)record.Length;
            WriteBoth(record.AsSpan(2), sector);
            WriteBoth(record.AsSpan(10), bytes);
            (record[18], record[19], record[20], record[21], record[22], record[23]) =
                ((byte)(_created.Year - 1900), (byte)_created.Month, (byte)_created.Day, (byte)_created.Hour, (byte)_created.Minute, (byte)_created.Second);
            record[25] = isDirectory ? (byte)2 : (byte)0;
            WriteBothShort(record.AsSpan(28), 1);
            record[32] = (byte)name.Length;
            name.CopyTo(record.AsSpan(33));
            systemUse.CopyTo(record.AsSpan(nameEnd));
            return record;
        }

        /// <summary>A primary or supplementary volume descriptor (ECMA-119, 8.4 and 8.5).</summary>
        private void WriteDescriptor(Span<byte> sector, bool isJoliet)
        {
            sector = sector[..SectorBytes];
            sector[0] = isJoliet ? (byte)2 : (byte)1;
            "CD001"u8.CopyTo(sector[1..]);
            sector[6] = 1;
            WriteText(sector.Slice(8, 32), "LINUX", isJoliet);
            WriteText(sector.Slice(40, 32), _label, isJoliet);
            WriteBoth(sector[80..], _sectors);
            if (isJoliet)
                "%/E"u8.CopyTo(sector[88..]);
            WriteBothShort(sector[120..], 1);
            WriteBothShort(sector[124..], 1);
            WriteBothShort(sector[128..], SectorBytes);
            WriteBoth(sector[132..], PathTableBytes);
            int tables = FirstSector + 3 + (isJoliet ? 2 : 0);
            BinaryPrimitives.WriteInt32LittleEndian(sector[140..], tables);
            BinaryPrimitives.WriteInt32BigEndian(sector[148..], tables + 1);
            byte[] root = Record([0], isJoliet ? _jolietRootSector : RootSector, (isJoliet ? _jolietRoot : _plainRoot).Length, isDirectory: true, []);
            root.CopyTo(sector[156..]);
            foreach (var (at, length) in new[] { (190, 128), (318, 128), (446, 128), (574, 128), (702, 37), (739, 37), (776, 37) })
                WriteText(sector.Slice(at, length), "", isJoliet);
            string moment = _created.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture) + "00";
            Encoding.ASCII.GetBytes(moment, sector[813..]);
            Encoding.ASCII.GetBytes(moment, sector[830..]);
            // It never expires, and is in force at once.
            sector.Slice(847, 16).Fill((byte)'0');
            sector.Slice(864, 16).Fill((byte)'0');
            sector[881] = 1;
        }

        private static void WriteText(Span<byte> field, string text, bool isJoliet)
        {
            if (isJoliet)
            {
                for (int at = 0; at + 1 < field.Length; at += 2)
                    BinaryPrimitives.WriteUInt16BigEndian(field[at..], ' ');
                Encoding.BigEndianUnicode.GetBytes(text, field);
            }
            else
            {
                field.Fill((byte)' ');
                Encoding.ASCII.GetBytes(text, field);
            }
        }

        private static void WritePathTable(Span<byte> sector, int root, bool isBigEndian)
        {
            sector[0] = 1;
            if (isBigEndian)
            {
                BinaryPrimitives.WriteInt32BigEndian(sector[2..], root);
                BinaryPrimitives.WriteInt16BigEndian(sector[6..], 1);
            }
            else
            {
                BinaryPrimitives.WriteInt32LittleEndian(sector[2..], root);
                BinaryPrimitives.WriteInt16LittleEndian(sector[6..], 1);
            }
        }

        /// <summary>A number as ISO 9660 has it: little-endian, then big-endian.</summary>
        private static void WriteBoth(Span<byte> field, int number)
        {
            BinaryPrimitives.WriteInt32LittleEndian(field, number);
            BinaryPrimitives.WriteInt32BigEndian(field[4..], number);
        }

        private static void WriteBothShort(Span<byte> field, short number)
        {
            BinaryPrimitives.WriteInt16LittleEndian(field, number);
            BinaryPrimitives.WriteInt16BigEndian(field[2..], number);
        }

        private static readonly byte[] s_rockRidgeBegins = [.. "SP"u8, 7, 1, 0xBE, 0xEF, 0];

        private static readonly byte[] s_rockRidgeNamed = [.. "ER"u8, 18, 1, 10, 0, 0, 1, .. "RRIP_1991A"u8];

        // r-xr-xr-x, and r-------- : a seed may hold passwords.
        private static readonly byte[] s_directoryAttributes = Attributes(0x416D, links: 2);

        private static readonly byte[] s_fileAttributes = Attributes(0x8100, links: 1);

        /// <summary>The mode of a file and its owner, root (PX).</summary>
        private static byte[] Attributes(int mode, int links)
        {
            byte[] entry = [.. "PX"u8, 36, 1, .. new byte[32]];
            WriteBoth(entry.AsSpan(4), mode);
            WriteBoth(entry.AsSpan(12), links);
            return entry;
        }

        /// <summary>The name as it is (NM).</summary>
        private static byte[] AlternateName(string name) => [.. "NM"u8, (byte)(5 + name.Length), 1, 0, .. Encoding.ASCII.GetBytes(name)];

        private sealed class Entry(IsoFile file, string plainName)
        {
            public IsoFile File { get; } = file;

            public string PlainName { get; } = plainName;

            public int Sector { get; set; }
        }
    }
}
