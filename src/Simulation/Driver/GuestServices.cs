using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Programs in guests, to their end.</summary>
internal sealed class CommandService(SimulationClient client) : ICommands
{
    private readonly World _world = client.World;

    public Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentOutOfRangeException.ThrowIfNegative(spec.MaxOutputBytes);
        cancellationToken.ThrowIfCancellationRequested();
        var copy = input.ToArray();
        // The input by its length, for the specification stands behind it.
        string? arguments = _world.Options.TraceCalls ? string.Create(CultureInfo.InvariantCulture, $"{copy.Length} {SessionLog.Text(copy)}{CallText.Json(_world, spec)}") : null;
        var running = _world.Calls.EnterAsync(client, "run", id.ToString(), () => CallText.Of(_world, null, arguments), async () =>
        {
            var process = GuestProcess.Prepare(_world, id, spec);
            var (output, error) = (new Kept(spec.MaxOutputBytes), new Kept(spec.MaxOutputBytes));
            int? code = await process.RunAsync(new GuestStreams(GuestStreams.Of(copy), output.Add, error.Add), CancellationToken.None).ConfigureAwait(false);
            return new CommandResult { ExitCode = code, Signal = code is null ? SignalName.Parse("SIGKILL") : null, Output = output.Bytes, Error = error.Bytes, IsTruncated = output.IsTruncated || error.IsTruncated };
        });
        return cancellationToken.CanBeCanceled ? running.WaitAsync(cancellationToken) : running;
    }

    private sealed class Kept(int limit)
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public bool IsTruncated { get; private set; }

        public ReadOnlyMemory<byte> Bytes => _bytes.WrittenMemory;

        public void Add(ReadOnlyMemory<byte> bytes)
        {
            int count = (int)Math.Min(bytes.Length, limit - _bytes.WrittenCount);
            _bytes.Write(bytes.Span[..count]);
            IsTruncated |= count < bytes.Length;
        }
    }
}

/// <summary>What the agent in a guest says of it.</summary>
internal sealed class GuestAgentService(SimulationClient client) : IGuestAgent
{
    public Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return client.World.Calls.EnterAsync(client, "guest-info", id.ToString(), null, () =>
        {
            var system = client.World.RequireGuest(id);
            return Task.FromResult(new GuestInfo
            {
                Agent = "simulated-agent 1",
                HostName = system.HostName,
                OperatingSystem = "Simulated Linux 1",
                Kernel = GuestPrograms.KernelRelease,
                Networks = [.. system.Networks.Select(static network => new GuestNetworkInterface
                {
                    Name = network.Name,
                    Mac = MacAddress.TryParse(network.Mac, null, out var mac) ? mac : null,
                    Addresses = network.Address is { } address ? [Cidr.Parse(address)] : [],
                })],
            });
        });
    }
}

/// <summary>Files in guests.</summary>
internal sealed class GuestFileService(SimulationClient client) : IGuestFiles
{
    private const int MaxFileBytes = 64 << 20;

    public Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default) =>
        EnterAsync<Stream>("read-file", id, path, null, system => new MemoryStream(system.Files.Read(path).ToArray(), writable: false), cancellationToken);

    public async Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        var whole = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        int read;
        while ((read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(true)) > 0)
        {
            if (whole.Length + read > MaxFileBytes)
                throw client.World.Error(ErrorCode.Exhausted, RequestOutcome.NotSent, $"A file in a simulated guest has at most {MaxFileBytes >> 20} MiB.", id.ToString(), about: path);
            whole.Write(buffer, 0, read);
        }

        await EnterAsync("write-file", id, path, () => $"{(attributes is null ? "-" : CallText.Json(client.World, attributes))} {SessionLog.Text(whole.GetBuffer().AsSpan(0, (int)whole.Length))}", system =>
        {
            system.Files.Write(path, whole.ToArray(), append: false, attributes);
            return true;
        }, cancellationToken).ConfigureAwait(true);
    }

    public async IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var file in await EnterAsync("list-files", id, path, null, system => system.Files.List(path).Select(static entry => Describe(entry.Key, entry.Value)).ToArray(), cancellationToken).ConfigureAwait(true))
            yield return file;
    }

    public Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => EnterAsync("delete-file", id, path, null, system =>
    {
        system.Files.Delete(path, recursive: false);
        return true;
    }, cancellationToken);

    private static GuestFile Describe(string name, GuestNode node) => new()
    {
        Name = name,
        Kind = node.Kind switch { GuestNodeKind.Directory => "directory", GuestNodeKind.Link => "symlink", _ => "file" },
        Size = new ByteSize(node.Size),
        Attributes = new GuestFileAttributes { UserId = node.UserId, GroupId = node.GroupId, Mode = node.Mode },
    };

    private Task<T> EnterAsync<T>(string action, InstanceId id, string path, Func<string>? rest, Func<GuestSystem, T> body, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        cancellationToken.ThrowIfCancellationRequested();
        return client.World.Calls.EnterAsync(client, action, id.ToString(), () => CallText.Of(client.World, null, rest is null ? CallText.Word(path) : $"{CallText.Word(path)} {rest()}"), () =>
        {
            var system = client.World.RequireGuest(id);
            try
            {
                return Task.FromResult(body(system));
            }
            catch (GuestFileException error)
            {
                var code = error.Error switch
                {
                    GuestFileError.NotFound => ErrorCode.NotFound,
                    GuestFileError.Exists => ErrorCode.AlreadyExists,
                    GuestFileError.NoSpace => ErrorCode.Exhausted,
                    GuestFileError.NotEmpty => ErrorCode.InvalidState,
                    _ => ErrorCode.InvalidArgument,
                };
                throw client.World.Error(code, RequestOutcome.Rejected, $"{error.Message}.", id.ToString(), about: path);
            }
        });
    }
}

/// <summary>A program that is about to run in a guest, as a request asks for it.</summary>
internal sealed class GuestProcess
{
    private readonly GuestSystem _system;
    private readonly GuestShell _shell;
    private readonly IReadOnlyList<string> _command;

    private GuestProcess(GuestSystem system, GuestShell shell, IReadOnlyList<string> command) => (_system, _shell, _command) = (system, shell, command);

    public GuestSystem System => _system;

    /// <exception cref="HypervisorException">The guest does not answer, or what is asked for is not there.</exception>
    public static GuestProcess Prepare(World world, InstanceId id, CommandSpec spec)
    {
        var system = world.RequireGuest(id);
        if (spec.Command.Count == 0 || spec.Command[0].Length == 0)
            throw world.Invalid("command", "a program is needed");
        if (spec.User is not (null or "root" or "0"))
            throw world.Unsupported("user", "a simulated guest has no user but root");
        var shell = new GuestShell(system);
        foreach (var (name, value) in spec.Environment)
            shell.Export(name, value.TryGetText(out string? text) ? text : throw world.Unsupported($"environment.{name}", "secrets are not resolved by a simulation"));
        if (!shell.TryEnter(spec.WorkingDirectory ?? "/root"))
            throw world.Invalid("workingDirectory", $"there is no directory '{spec.WorkingDirectory}' in the guest");
        if (!shell.HasProgram(spec.Command[0]))
            throw world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"There is no program '{spec.Command[0]}' in '{world.Require(id).Name}'.", id.ToString(), about: spec.Command[0]);
        return new GuestProcess(system, shell, [.. spec.Command]);
    }

    /// <summary>Runs it to its end.</summary>
    /// <returns>Its exit code; null when it was killed, as by a machine that is switched off.</returns>
    public async Task<int?> RunAsync(GuestStreams streams, CancellationToken killed)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(_system.Power, killed);
        try
        {
            return await _shell.RunProgramAsync(_command, streams, ends.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (GuestKilledException error)
        {
            streams.Error(Encoding.UTF8.GetBytes(error.Message + "\n"));
            return null;
        }
    }
}
