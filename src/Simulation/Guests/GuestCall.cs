using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>One program being called: its arguments, where it is, what it reads and writes.</summary>
internal sealed class GuestCall(IGuestSystem system, IReadOnlyList<string> arguments, string directory, IReadOnlyDictionary<string, string> environment, GuestStreams streams)
{
    public const int MaxInputBytes = 16 << 20;

    public IGuestSystem System { get; } = system;

    public IReadOnlyList<string> Arguments { get; } = arguments;

    public string Directory { get; } = directory;

    public IReadOnlyDictionary<string, string> Environment { get; } = environment;

    public GuestStreams Streams { get; } = streams;

    public string Name => Arguments[0];

    public string Resolve(string path) => GuestFileTree.Resolve(Directory, path);

    public void Print(string text) => Streams.Output(Encoding.UTF8.GetBytes(text));

    public void PrintError(string text) => Streams.Error(Encoding.UTF8.GetBytes(text));

    /// <summary>Says what is wrong, as programs do, and answers the exit code.</summary>
    public int Fail(string problem, int code = 1)
    {
        PrintError($"{Name}: {problem}\n");
        return code;
    }

    public async ValueTask<ReadOnlyMemory<byte>> ReadAllAsync(CancellationToken cancellationToken)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[4096];
        int read;
        while ((read = await Streams.Input(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (all.Length + read > MaxInputBytes)
                throw new GuestKilledException("Out of memory");
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }

    /// <summary>The content of the files that are named, or of the standard input where none is; says which cannot be read.</summary>
    public async ValueTask<(IReadOnlyList<(string Name, string Text)> Inputs, int Code)> ReadInputsAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        if (paths.Count == 0)
            return ([("-", Encoding.UTF8.GetString((await ReadAllAsync(cancellationToken).ConfigureAwait(false)).Span))], 0);
        var inputs = new List<(string, string)>();
        int code = 0;
        foreach (string path in paths)
        {
            try
            {
                var content = path == "-" ? await ReadAllAsync(cancellationToken).ConfigureAwait(false) : System.Files.Read(Resolve(path));
                inputs.Add((path, Encoding.UTF8.GetString(content.Span)));
            }
            catch (GuestFileException error)
            {
                code = Fail($"{path}: {error.Reason}");
            }
        }

        return (inputs, code);
    }
}

/// <summary>Where a program reads and writes. A read of 0 bytes is the end.</summary>
internal sealed record GuestStreams(GuestInput Input, Action<ReadOnlyMemory<byte>> Output, Action<ReadOnlyMemory<byte>> Error)
{
    public static GuestInput NoInput { get; } = static (_, _) => ValueTask.FromResult(0);

    public static GuestInput Of(ReadOnlyMemory<byte> content)
    {
        int at = 0;
        return (buffer, _) =>
        {
            int count = Math.Min(buffer.Length, content.Length - at);
            content.Slice(at, count).CopyTo(buffer);
            at += count;
            return ValueTask.FromResult(count);
        };
    }
}

/// <summary>Reads what comes next.</summary>
internal delegate ValueTask<int> GuestInput(Memory<byte> buffer, CancellationToken cancellationToken);

/// <summary>A program that the guest's kernel ended.</summary>
internal sealed class GuestKilledException(string reason) : Exception(reason);
