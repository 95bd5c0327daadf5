using Hypervisor.Sdk.Simulation.Guests;

namespace Hypervisor.Sdk.Simulation;

/// <summary>What a simulated program is called with. Valid until the program returns.</summary>
public sealed class SimulatedProgramCall
{
    private readonly GuestCall _call;

    internal SimulatedProgramCall(GuestCall call) => _call = call;

    /// <summary>The name that it was called by.</summary>
    public string Name => _call.Arguments[0];

    /// <summary>What follows the name.</summary>
    public IReadOnlyList<string> Arguments => [.. _call.Arguments.Skip(1)];

    /// <summary>Environment variables.</summary>
    public IReadOnlyDictionary<string, string> Environment => _call.Environment;

    /// <summary>The directory that it was called in.</summary>
    public string WorkingDirectory => _call.Directory;

    /// <summary>The guest's host name.</summary>
    public string HostName => _call.System.HostName;

    /// <summary>The guest's clock.</summary>
    public DateTimeOffset Now => _call.System.Now;

    /// <summary>Prints a line.</summary>
    public void Print(string line) => _call.Print(line + "\n");

    /// <summary>Prints a line to the standard error.</summary>
    public void PrintError(string line) => _call.PrintError(line + "\n");

    /// <summary>Reads the standard input to its end, 16 MiB at most.</summary>
    public async ValueTask<byte[]> ReadInputAsync(CancellationToken cancellationToken = default) => (await _call.ReadAllAsync(cancellationToken).ConfigureAwait(false)).ToArray();

    /// <summary>Reads a file of the guest; null when there is none.</summary>
    public byte[]? ReadFile(string path) => _call.System.Files.Find(_call.Resolve(path)) is { Kind: GuestNodeKind.File } file ? file.Content.ToArray() : null;

    /// <summary>Writes a file of the guest, with the directories that lead to it.</summary>
    /// <exception cref="IOException">The guest cannot keep it: its disk is full, or the path leads through a file.</exception>
    public void WriteFile(string path, ReadOnlySpan<byte> content)
    {
        try
        {
            string absolute = _call.Resolve(path);
            if (GuestFileTree.Resolve(absolute, "..") is { Length: > 1 } directory)
                _call.System.Files.MakeDirectory(directory, withParents: true);
            _call.System.Files.Write(absolute, content.ToArray());
        }
        catch (GuestFileException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    /// <summary>Waits in the guest's time.</summary>
    public ValueTask DelayAsync(TimeSpan time, CancellationToken cancellationToken = default) => _call.System.DelayAsync(time, cancellationToken);
}
