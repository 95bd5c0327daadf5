using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Hosts;

namespace Hypervisor.Sdk.Qemu.Hosts;

/// <summary>
/// The program that holds the backend on another host: its files here, and the same files there, in a private directory whose name is the hash of their content. Two releases of it never meet, and what is started is what was
/// looked at: every file is hashed there before each start, and copied anew when it is another.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuHostProgram
{
    public const string Name = "hvsdk-qemu-host";

    private const string CacheDirectory = ".cache";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _directory;
    private readonly SortedDictionary<string, string> _hashes;
    private readonly string _hash;
    private readonly bool _needsDotnet;
    private bool _hasRun;

    private QemuHostProgram(string directory, SortedDictionary<string, string> hashes)
    {
        _directory = directory;
        _hashes = hashes;
        _needsDotnet = hashes.ContainsKey(Name + ".dll") && !hashes.ContainsKey("libcoreclr.so");
        _hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(hashes.Select(file => $"{file.Value} {file.Key}\n")))))[..32];
    }

    /// <summary>Where it is beneath the home directory of the host's user.</summary>
    private string Home => $"{CacheDirectory}/{Name}/{_hash}";

    /// <summary>Finds the program for a host.</summary>
    /// <exception cref="HypervisorException">There is none, or none for this kind of host.</exception>
    public static QemuHostProgram Find(string? configured, NodeName node, HostFacts facts)
    {
        string directory = configured ?? Path.Combine(AppContext.BaseDirectory, Name);
        string architecture = facts.MachineName switch
        {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            var other => other,
        };
        if (facts.SystemName != "Linux")
            throw Refused(node, $"it is {facts.SystemName}, and the program {Name} takes Linux");
        if (Directory.Exists(Path.Combine(directory, $"linux-{architecture}")))
            directory = Path.Combine(directory, $"linux-{architecture}");
        string advice = $"publish it (dotnet publish tools/QemuHost -r linux-{architecture} --self-contained) and name its directory by {nameof(QemuOptions)}.{nameof(QemuOptions.HostProgram)}";
        if (!File.Exists(Path.Combine(directory, Name)) && !File.Exists(Path.Combine(directory, Name + ".dll")))
            throw Refused(node, $"there is no program {Name} in '{directory}' on this machine: {advice}");
        var program = new QemuHostProgram(directory, HashesOf(directory));
        // What a dotnet over there runs is for any processor.
        if (!program._needsDotnet && ArchitectureOf(Path.Combine(directory, Name)) is { } built && built != facts.MachineName)
            throw Refused(node, $"its processor is {facts.MachineName}, and the program in '{directory}' is for {built}: {advice}");
        return program;
    }

    /// <summary>Sees that the host has the program as it is here, and says how it is started.</summary>
    /// <exception cref="HypervisorException">It cannot be copied, or does not run there.</exception>
    public async Task<HostCommand> PrepareAsync(IHostSession session, CancellationToken cancellationToken)
    {
        string directory = $"{session.Facts.HomeDirectory.TrimEnd('/')}/{Home}";
        var wrong = await DifferencesAsync(session, directory, cancellationToken).ConfigureAwait(false);
        if (wrong.Count > 0)
        {
            await CopyAsync(session, wrong, cancellationToken).ConfigureAwait(false);
            wrong = await DifferencesAsync(session, directory, cancellationToken).ConfigureAwait(false);
            if (wrong.Count > 0)
                throw Refused(session.Node, $"what was copied to '{directory}' is not what is there: '{wrong[0]}' has another content");
        }

        if (!_hasRun)
            await TryAsync(session, directory, cancellationToken).ConfigureAwait(false);
        _hasRun = true;
        return Command(directory);
    }

    private HostCommand Command(string directory, params string[] arguments) =>
        _needsDotnet ? new HostCommand("dotnet", [$"{directory}/{Name}.dll", .. arguments]) : new HostCommand($"{directory}/{Name}", arguments);

    /// <summary>Has it say its version, so that what keeps it from running is said in its own words.</summary>
    private async Task TryAsync(IHostSession session, string directory, CancellationToken cancellationToken)
    {
        const string Advice = "publish it self-contained (dotnet publish --self-contained), so that it brings its runtime along";
        HostResult result;
        try
        {
            result = await session.RunAsync(Command(directory, "--version"), cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (_needsDotnet && error.Code == ErrorCode.NotFound)
        {
            throw Refused(session.Node, $"it has no dotnet, which the program needs as it was published: {Advice}", error);
        }

        if (result.ExitCode != 0)
            throw Refused(session.Node, $"the program does not run there and ends with {result.ExitCode}: {Encoding.UTF8.GetString(result.Error.Span).Trim()}. {(_needsDotnet ? $"The dotnet there may be too old: {Advice}." : "")}");
    }

    /// <summary>The files that the host does not have as they are here.</summary>
    private async Task<List<string>> DifferencesAsync(IHostSession session, string directory, CancellationToken cancellationToken)
    {
        HostResult result;
        try
        {
            result = await session.RunAsync(new HostCommand("sha256sum", ["--", .. _hashes.Keys]) { WorkingDirectory = directory, MaxOutputBytes = 4 << 20 }, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound)
        {
            return [.. _hashes.Keys];
        }

        var there = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in Encoding.UTF8.GetString(result.Output.Span).Split('\n'))
        {
            if (line.Length > 66 && line[64] == ' ')
                there[line[66..]] = line[..64];
        }

        return [.. _hashes.Where(file => there.GetValueOrDefault(file.Key) != file.Value).Select(file => file.Key)];
    }

    private async Task CopyAsync(IHostSession session, List<string> files, CancellationToken cancellationToken)
    {
        var home = await session.OpenDirectoryAsync(session.Facts.HomeDirectory, cancellationToken).ConfigureAwait(false);
        await using (home.ConfigureAwait(false))
        {
            foreach (string directory in (IEnumerable<string>)[CacheDirectory, $"{CacheDirectory}/{Name}", Home, .. files.SelectMany(DirectoriesOf).Distinct().Order(StringComparer.Ordinal).Select(directory => $"{Home}/{directory}")])
                await home.CreateDirectoryAsync(directory, Private, cancellationToken).ConfigureAwait(false);
            if (await home.FindAsync($"{CacheDirectory}/{Name}", cancellationToken).ConfigureAwait(false) is not { Kind: HostFileKind.Directory } found || (found.Mode & ~Private) != 0)
                throw Refused(session.Node, $"'{session.Facts.HomeDirectory}/{CacheDirectory}/{Name}' is no directory that its user alone may enter");
            foreach (string file in files)
            {
                var content = File.OpenRead(Path.Combine(_directory, file));
                await using (content.ConfigureAwait(false))
                    await home.WriteAsync($"{Home}/{file}", content, Private, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The directories in which a file is, of which each sorts before what is in it.</summary>
    private static IEnumerable<string> DirectoriesOf(string file)
    {
        for (int at = file.IndexOf('/'); at > 0; at = file.IndexOf('/', at + 1))
            yield return file[..at];
    }

    private static SortedDictionary<string, string> HashesOf(string directory)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(directory, file);
            // What a debugger and a reader need does not run.
            if (Path.GetExtension(name) is ".pdb" or ".xml")
                continue;
            if (name.AsSpan().ContainsAny('\n', '\\'))
                throw new HypervisorException($"The file '{name}' of the program {Name} has a name that cannot be compared.", ErrorCode.InvalidArgument, RequestOutcome.NotSent);
            using var content = File.OpenRead(file);
            hashes[name] = Convert.ToHexStringLower(SHA256.HashData(content));
        }

        return hashes;
    }

    /// <summary>The processor that an ELF program is for (elf(5)), as <c>uname -m</c> calls it; null of another file.</summary>
    private static string? ArchitectureOf(string path)
    {
        Span<byte> header = stackalloc byte[20];
        using var file = File.OpenRead(path);
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || !header.StartsWith("\u007fELF"u8))
            return null;
        return BinaryPrimitives.ReadUInt16LittleEndian(header[18..]) switch
        {
            62 => "x86_64",
            183 => "aarch64",
            var other => other.ToString(CultureInfo.InvariantCulture),
        };
    }

    private static HypervisorException Refused(NodeName node, string why, Exception? cause = null) =>
        new($"The host '{node}' cannot run virtual machines for this application: {why}.", ErrorCode.Unsupported, RequestOutcome.NotSent, cause) { Resource = $"host {node}" };
}
