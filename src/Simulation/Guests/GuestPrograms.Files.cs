using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

internal static partial class GuestPrograms
{
    private static async ValueTask<int> CatAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "") is not { } read)
            return 1;
        int code = 0;
        foreach (string path in read.Rest.DefaultIfEmpty("-"))
        {
            if (path == "-")
            {
                byte[] buffer = new byte[4096];
                int count;
                while ((count = await call.Streams.Input(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                    call.Streams.Output(buffer.AsMemory(0, count));
                continue;
            }

            code |= Try(call, path, () => call.Streams.Output(call.System.Files.Read(call.Resolve(path))));
        }

        return code;
    }

    private static int Try(GuestCall call, string path, Action body)
    {
        try
        {
            body();
            return 0;
        }
        catch (GuestFileException error)
        {
            return call.Fail($"{path}: {error.Reason}");
        }
    }

    private static int ForEach(GuestCall call, List<string> paths, Action<string> body)
    {
        if (paths.Count == 0)
            return call.Fail("missing operand");
        int code = 0;
        foreach (string path in paths)
            code |= Try(call, path, () => body(call.Resolve(path)));
        return code;
    }

    private static ValueTask<int> List(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "la1Ad") is not { } read)
            return new(1);
        int code = 0;
        foreach (string path in read.Rest.DefaultIfEmpty("."))
        {
            code |= Try(call, path, () =>
            {
                var node = call.System.Files.Get(call.Resolve(path), follow: !read.Options.Contains('d'));
                if (read.Rest.Count > 1 && node.IsDirectory)
                    call.Print($"{path}:\n");
                var entries = node.IsDirectory && !read.Options.Contains('d')
                    ? node.Entries.Where(entry => entry.Key[0] != '.' || read.Options.Overlaps("aA")).Select(entry => (entry.Key, entry.Value))
                    : [(path, node)];
                foreach (var (name, entry) in entries)
                    call.Print(read.Options.Contains('l') ? Describe(name, entry) : name + "\n");
            });
        }

        return new(code);
    }

    private static string Describe(string name, GuestNode node)
    {
        var mode = new StringBuilder().Append(node.Kind switch { GuestNodeKind.Directory => 'd', GuestNodeKind.Link => 'l', _ => '-' });
        for (int bit = 8; bit >= 0; bit--)
            mode.Append(((int)node.Mode >> bit & 1) == 0 ? '-' : "xwr"[bit % 3]);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{mode} {1,4} {node.UserId,-8} {node.GroupId,-8} {node.Size,9} {node.ModifiedAt.UtcDateTime:MMM dd HH:mm} {name}{(node.Kind == GuestNodeKind.Link ? $" -> {node.Target}" : "")}\n");
    }

    private static ValueTask<int> MakeDirectories(GuestCall call, CancellationToken cancellationToken) =>
        new(Read(call, "p") is { } read ? ForEach(call, read.Rest, path => call.System.Files.MakeDirectory(path, read.Options.Contains('p'))) : 1);

    private static ValueTask<int> RemoveDirectories(GuestCall call, CancellationToken cancellationToken) => new(Read(call, "") is { } read
        ? ForEach(call, read.Rest, path =>
        {
            if (!call.System.Files.Get(path, follow: false).IsDirectory)
                throw new GuestFileException(GuestFileError.NotDirectory, path);
            call.System.Files.Delete(path, recursive: false);
        })
        : 1);

    private static ValueTask<int> Remove(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "rRf") is not { } read)
            return new(1);
        bool isForced = read.Options.Contains('f'), isRecursive = read.Options.Overlaps("rR");
        if (isForced && read.Rest.Count == 0)
            return new(0);
        return new(ForEach(call, read.Rest, path =>
        {
            var node = call.System.Files.Find(path, follow: false);
            if (node is null && isForced)
                return;
            if (node is { IsDirectory: true } && !isRecursive)
                throw new GuestFileException(GuestFileError.IsDirectory, path);
            call.System.Files.Delete(path, isRecursive);
        }));
    }

    private static ValueTask<int> Copy(GuestCall call, CancellationToken cancellationToken) => new(Read(call, "rRap") is { } read
        ? Transfer(call, read.Rest, (from, to) =>
        {
            var node = call.System.Files.Get(from);
            if (node.IsDirectory && !read.Options.Overlaps("rRa"))
                throw new GuestFileException(GuestFileError.IsDirectory, from);
            if (to == from || to.StartsWith(from + "/", StringComparison.Ordinal))
                throw new GuestFileException(GuestFileError.Invalid, to);
            call.System.Files.Put(to, node with { ModifiedAt = call.System.Now });
        })
        : 1);

    private static ValueTask<int> Move(GuestCall call, CancellationToken cancellationToken) => new(Read(call, "f") is { } read
        ? Transfer(call, read.Rest, (from, to) =>
        {
            var node = call.System.Files.Get(from, follow: false);
            if (to == from || to.StartsWith(from + "/", StringComparison.Ordinal))
                throw new GuestFileException(GuestFileError.Invalid, to);
            call.System.Files.Put(to, node);
            call.System.Files.Delete(from, recursive: true);
        })
        : 1);

    /// <summary>Several things go into a directory; one goes into a directory or takes a name.</summary>
    private static int Transfer(GuestCall call, List<string> paths, Action<string, string> body)
    {
        if (paths.Count < 2)
            return call.Fail("missing operand");
        string target = call.Resolve(paths[^1]);
        bool isDirectory = call.System.Files.Find(target) is { IsDirectory: true };
        if (paths.Count > 2 && !isDirectory)
            return call.Fail($"{paths[^1]}: Not a directory");
        int code = 0;
        foreach (string path in paths.Take(paths.Count - 1))
        {
            string from = call.Resolve(path);
            string to = isDirectory ? GuestFileTree.Resolve(target, from[(from.LastIndexOf('/') + 1)..]) : target;
            code |= Try(call, path, () => body(from, to));
        }

        return code;
    }

    private static ValueTask<int> MakeLink(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "sf") is not { } read)
            return new(1);
        if (!read.Options.Contains('s') || read.Rest.Count != 2)
            return new(call.Fail("usage: ln -s TARGET LINK"));
        string path = call.Resolve(read.Rest[1]);
        return new(Try(call, read.Rest[1], () =>
        {
            if (read.Options.Contains('f') && call.System.Files.Find(path, follow: false) is { IsDirectory: false })
                call.System.Files.Delete(path, recursive: false);
            call.System.Files.MakeLink(path, read.Rest[0]);
        }));
    }

    private static ValueTask<int> Touch(GuestCall call, CancellationToken cancellationToken) => new(Read(call, "") is { } read
        ? ForEach(call, read.Rest, path =>
        {
            if (call.System.Files.Find(path) is null)
                call.System.Files.Write(path, default);
            else
                call.System.Files.Change(path, node => node with { ModifiedAt = call.System.Now });
        })
        : 1);

    private static ValueTask<int> ChangeMode(GuestCall call, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).ToList();
        if (words.Count < 2)
            return new(call.Fail("usage: chmod MODE FILE..."));
        Func<UnixFileMode, UnixFileMode>? change = words[0] switch
        {
            "+x" or "a+x" => mode => mode | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute,
            "-x" or "a-x" => mode => mode & ~(UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute),
            { Length: 3 or 4 } octal when octal.All(digit => digit is >= '0' and <= '7') => _ => (UnixFileMode)Convert.ToInt32(octal, 8),
            _ => null,
        };
        return new(change is null ? call.Fail($"invalid mode '{words[0]}'") : ForEach(call, words[1..], path => call.System.Files.Change(path, node => node with { Mode = change(node.Mode) })));
    }

    private static ValueTask<int> ReadLink(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "") is not { Rest: [var path] })
            return new(1);
        if (call.System.Files.Find(call.Resolve(path), follow: false) is not { Kind: GuestNodeKind.Link } link)
            return new(1);
        call.Print(link.Target + "\n");
        return new(0);
    }

    private static ValueTask<int> Stat(GuestCall call, CancellationToken cancellationToken)
    {
        if (call.Arguments.Count != 4 || call.Arguments[1] != "-c" || call.Arguments[2] is not ("%s" or "%a" or "%Y"))
            return new(call.Fail("usage: stat -c %s|%a|%Y FILE"));
        return new(Try(call, call.Arguments[3], () =>
        {
            var node = call.System.Files.Get(call.Resolve(call.Arguments[3]), follow: false);
            call.Print(call.Arguments[2] switch
            {
                "%s" => node.Size.ToString(CultureInfo.InvariantCulture),
                "%a" => Convert.ToString((int)node.Mode, 8),
                _ => node.ModifiedAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            } + "\n");
        }));
    }

    private static ValueTask<int> CopyBlocks(GuestCall call, CancellationToken cancellationToken)
    {
        var settings = call.Arguments.Skip(1).Select(word => word.Split('=', 2)).ToList();
        if (settings.Find(setting => setting.Length != 2 || setting[0] is not ("if" or "of" or "bs" or "count" or "status" or "conv")) is { } unknown)
            return new(call.Fail($"unrecognized operand '{string.Join('=', unknown)}'"));
        string? Value(string name) => settings.Find(setting => setting[0] == name)?[1];
        if (ReadSize(Value("bs") ?? "512") is not { } block || ReadSize(Value("count") ?? "0") is not { } count || block <= 0 || block * Math.Max(1, count) > call.System.Files.CapacityBytes * 4)
            return new(call.Fail("invalid number"));
        string input = Value("if") ?? "", output = Value("of") ?? "";
        return new(Try(call, output, () =>
        {
            byte[] content;
            if (input is "/dev/zero" or "/dev/urandom")
            {
                content = new byte[block * count];
                // The same bytes each time: a simulated guest knows no chance of its own.
                for (int i = 0; input == "/dev/urandom" && i < content.Length; i++)
                    content[i] = (byte)((i * 2654435761L + 12345) >> 11);
            }
            else
            {
                content = call.System.Files.Read(call.Resolve(input)).ToArray();
                if (Value("count") is not null)
                    content = content[..(int)Math.Min(content.Length, block * count)];
            }

            if (output != "/dev/null")
                call.System.Files.Write(call.Resolve(output), content);
            call.PrintError(string.Create(CultureInfo.InvariantCulture, $"{content.Length / block}+{(content.Length % block > 0 ? 1 : 0)} records in\n{content.Length / block}+{(content.Length % block > 0 ? 1 : 0)} records out\n"));
        }));
    }

    private static long? ReadSize(string text)
    {
        long unit = text.Length > 1 ? char.ToUpperInvariant(text[^1]) switch { 'K' => 1 << 10, 'M' => 1 << 20, 'G' => 1 << 30, _ => 1 } : 1;
        return long.TryParse(unit > 1 ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= 1L << 40 ? number * unit : null;
    }

    private static ValueTask<int> FindFiles(GuestCall call, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).ToList();
        string? name = TakeValue(words, "-name"), type = TakeValue(words, "-type");
        if (words.Exists(word => word.StartsWith('-')) || type is not (null or "f" or "d" or "l"))
            return new(call.Fail("usage: find [PATH]... [-name PATTERN] [-type f|d|l]"));
        var pattern = name is null ? null : GuestPattern.Of(name);
        int code = 0;
        foreach (string path in words.DefaultIfEmpty("."))
            code |= Try(call, path, () => Walk(path, call.System.Files.Get(call.Resolve(path), follow: false)));
        return new(code);

        void Walk(string path, GuestNode node)
        {
            string its = path[(path.LastIndexOf('/') + 1)..];
            bool isWanted = type is null || type == (node.Kind switch { GuestNodeKind.Directory => "d", GuestNodeKind.Link => "l", _ => "f" });
            if (isWanted && pattern?.IsMatch(its) != false)
                call.Print(path + "\n");
            foreach (var (entry, child) in node.Entries)
                Walk(path == "/" ? "/" + entry : $"{path}/{entry}", child);
        }
    }

    private static ValueTask<int> DiskUsage(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "sk") is not { } read)
            return new(1);
        int code = 0;
        foreach (string path in read.Rest.DefaultIfEmpty("."))
            code |= Try(call, path, () => call.Print(string.Create(CultureInfo.InvariantCulture, $"{(Sum(call.System.Files.Get(call.Resolve(path))) + 1023) / 1024}\t{path}\n")));
        return new(code);

        static long Sum(GuestNode node) => node.Size + node.Entries.Values.Sum(Sum);
    }
}
