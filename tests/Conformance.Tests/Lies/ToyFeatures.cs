using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>Features in memory, over a driver that has only the role.</summary>
internal sealed class ToyFeatures(IHypervisor hypervisor, ConcurrentDictionary<InstanceId, bool> suspended) : ISuspendToDisk, IGuestAgent, ICommands, IExec, IGuestFiles, IBackupSource, IPortForwards, IMigration
{
    private static readonly ConcurrentDictionary<(InstanceId, string), byte[]> s_files = [];
    private static readonly ConcurrentDictionary<(InstanceId, DeviceId), PortForward> s_forwards = [];
    private static int s_lastPort = 40_000;

    public async Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if ((await hypervisor.GetAsync(id, cancellationToken)).State != PowerState.Running)
            throw new HypervisorException($"'{id}' does not run.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        var stopped = await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, request, cancellationToken).WaitForCompletionAsync(cancellationToken);
        suspended[id] = true;
        return Answers.Done(Copy.With(stopped, (nameof(stopped.State), PowerState.Suspended)));
    }

    public Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default) => Task.FromResult(new GuestInfo { Agent = "toy 1.0" });

    public Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default) => Task.FromResult(spec.Command[0] switch
    {
        "cat" => new CommandResult { ExitCode = 0, Output = input[..Math.Min(input.Length, spec.MaxOutputBytes)], Error = default, IsTruncated = input.Length > spec.MaxOutputBytes },
        "false" => new CommandResult { ExitCode = 1, Output = default, Error = default },
        _ => throw Answers.Error(ErrorCode.NotFound, $"There is no program '{spec.Command[0]}'."),
    });

    public Task<ExecSession> StartAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken = default) => Task.FromResult<ExecSession>(new Session(spec.Command[0]));

    public Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default) =>
        Task.FromResult<Stream>(s_files.TryGetValue((id, path), out byte[]? content) ? new MemoryStream(content) : throw Answers.Error(ErrorCode.NotFound, $"There is no file '{path}'."));

    public async Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default)
    {
        using var copy = new MemoryStream();
        await content.CopyToAsync(copy, cancellationToken);
        s_files[(id, path)] = copy.ToArray();
    }

    async IAsyncEnumerable<GuestFile> IGuestFiles.ListAsync(InstanceId id, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        foreach (var (owner, name) in s_files.Keys.Where(file => file.Item1 == id))
            yield return new GuestFile { Name = Path.GetFileName(name), Kind = "file" };
    }

    public Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => Task.FromResult(s_files.TryRemove((id, path), out _));

    public async Task<BackupSession> BeginAsync(InstanceId id, BackupOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options?.Quiesce == true && (await hypervisor.GetAsync(id, cancellationToken)).State != PowerState.Running)
            throw Answers.Error(ErrorCode.InvalidState, $"'{id}' does not run.");
        return options?.SinceCheckpoint is null or "point" ? new Backup() : throw Answers.Error(ErrorCode.NotFound, $"There is no checkpoint '{options.SinceCheckpoint}'.");
    }

    async IAsyncEnumerable<PortForward> IPortForwards.ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        foreach (var forward in s_forwards.Where(forward => forward.Key.Item1 == id))
            yield return forward.Value;
    }

    public Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        int port = spec.Host ?? Interlocked.Increment(ref s_lastPort);
        if (s_forwards.Any(known => known.Value.Host.Port == port))
            throw Answers.Error(ErrorCode.AlreadyExists, $"The port {port} is taken.");
        var forward = new PortForward { Id = DeviceId.Parse($"forward{port}"), Host = new IPEndPoint(IPAddress.Loopback, port), GuestPort = spec.Guest, Protocol = spec.Protocol };
        s_forwards[(id, forward.Id)] = forward;
        return Task.FromResult(forward);
    }

    public Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default) => Task.FromResult(s_forwards.TryRemove((id, forward), out _));

    public Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default) => Task.FromResult(new MigrationCheck { Obstacles = [$"There is no node '{target.Node}'."] });

    public Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        throw Answers.Error(ErrorCode.NotFound, $"There is no node '{target.Node}'.");

    /// <summary>A command that gives back what it is given.</summary>
    private sealed class Session(string command) : ExecSession
    {
        private readonly System.IO.Pipelines.Pipe _pipe = new(new System.IO.Pipelines.PipeOptions(pauseWriterThreshold: 64 << 10, resumeWriterThreshold: 32 << 10));
        private int? _exitCode;

        public override bool CanSignal => false;

        public override bool CanResize => false;

        public override int? ExitCode => _exitCode;

        public override async ValueTask<ExecRead> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = command == "cat" ? await _pipe.Reader.AsStream(leaveOpen: true).ReadAsync(buffer, cancellationToken) : 0;
            if (count > 0)
                return new ExecRead(ExecChannel.StandardOutput, count);
            await _pipe.Reader.CompleteAsync();
            _exitCode = command == "cat" ? 0 : 1;
            return new ExecRead(ExecChannel.End, 0);
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken = default) => await _pipe.Writer.WriteAsync(input, cancellationToken);

        public override ValueTask CompleteInputAsync(CancellationToken cancellationToken = default) => _pipe.Writer.CompleteAsync();

        public override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default) => throw Answers.Error(ErrorCode.Unsupported);

        public override ValueTask SignalAsync(SignalName signal, CancellationToken cancellationToken = default) => throw Answers.Error(ErrorCode.Unsupported);

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>A backup of an instance without disks.</summary>
    private sealed class Backup : BackupSession
    {
        public override IReadOnlyList<DeviceId> Disks => [];

        public override IAsyncEnumerable<Extent> GetExtentsAsync(DeviceId disk, CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<Extent>();

        public override ValueTask ReadAsync(DeviceId disk, long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public override Task<string?> CompleteAsync(CancellationToken cancellationToken = default) => Task.FromResult<string?>("point");

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
