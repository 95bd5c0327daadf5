using System.IO.Pipelines;
using System.Text;

namespace Hypervisor.Sdk.AspNetCore.Tests;

internal sealed partial class FakeBackend : ISerialConsole, IGraphicsConsole, IMetrics, IGuestAgent, ICommands, INativeDocuments, INodes, INetworks, IImages
{
    public Dictionary<string, FakeConsole> Consoles { get; } = [];

    public int Samples { get; private set; }

    public Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (Get(id).State != PowerState.Running)
            throw new HypervisorException($"Instance '{id}' does not run.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        lock (_gate)
        {
            if (Consoles.TryGetValue(id.ToString(), out var open) && !open.Completion.IsCompleted)
            {
                if (options is not { TakeOver: true })
                    throw new HypervisorException("Somebody else has the console open.", ErrorCode.Locked, RequestOutcome.Rejected);
                open.End(new HypervisorException("Somebody else has taken the console over.", ErrorCode.Locked, RequestOutcome.Rejected));
            }

            return Task.FromResult<ConsoleSession>(Consoles[id.ToString()] = new FakeConsole());
        }
    }

    public Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default)
    {
        byte[] log = Encoding.UTF8.GetBytes("booting\nready\n");
        return Task.FromResult<Stream>(new MemoryStream(tailBytes is { } tail ? log[^(int)Math.Min(tail, log.Length)..] : log));
    }

    Task<GraphicsSession> IGraphicsConsole.OpenAsync(InstanceId id, CancellationToken cancellationToken) => Task.FromResult<GraphicsSession>(new FakeScreen());

    public Task<NativeDocument> CaptureAsync(InstanceId id, CancellationToken cancellationToken = default) => Task.FromResult(new NativeDocument("image/png", new byte[] { 0x89, 0x50, 0x4E, 0x47 }));

    public async IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        Samples++;
        foreach (var machine in Machines.Values.Where(machine => machine.State == PowerState.Running && (filter?.Matches(machine) ?? true)))
        {
            yield return new InstanceMetrics
            {
                Id = machine.Id, At = DateTimeOffset.UnixEpoch, CpuTime = TimeSpan.FromSeconds(1.5), MemoryUsed = ByteSize.FromMiB(64), DiskReadBytes = 4096,
                Unavailable = new Dictionary<string, string> { ["networkReceivedBytes"] = "no counters" },
            };
        }
    }

    public async IAsyncEnumerable<NodeMetrics> SampleNodesAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        Check();
        yield return new NodeMetrics { Node = NodeName.Parse("here"), At = DateTimeOffset.UnixEpoch, Cpus = 2, LoadAverage1 = 0.5, MemoryTotal = ByteSize.FromGiB(8), MemoryAvailable = ByteSize.FromGiB(4), DiskReadBytes = 1, DiskReadOperations = 1 };
    }

    public Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default) => Task.FromResult(new GuestInfo { Agent = "fake", HostName = "guest" });

    public Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default) =>
        Task.FromResult(new CommandResult { ExitCode = 0, Output = Encoding.UTF8.GetBytes(string.Join('|', spec.Command) + Encoding.UTF8.GetString(input.Span)), Error = default });

    public Task<NativeDocument> GetAsync(InstanceId id, CancellationToken cancellationToken = default) => Task.FromResult(new NativeDocument("text/xml", Encoding.UTF8.GetBytes("<machine/>")));

    public async IAsyncEnumerable<Node> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        Check();
        yield return new Node { Name = NodeName.Parse("here"), Architecture = Architecture.X64, Cpus = 2 };
    }

    async IAsyncEnumerable<Network> INetworks.ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        yield return new Network { Name = "user", Kind = "user" };
    }

    async IAsyncEnumerable<Image> IImages.ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        yield return new Image { Id = "debian", Name = "Debian", Kind = "disk", Format = "qcow2", Size = ByteSize.FromMiB(100) };
    }

    /// <summary>A console whose other end is the test.</summary>
    internal sealed class FakeConsole : ConsoleSession
    {
        private readonly Pipe _printed = new(new PipeOptions(pauseWriterThreshold: 64 << 10));
        private readonly Pipe _typed = new();
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override PipeReader Input => _printed.Reader;

        public override PipeWriter Output => _typed.Writer;

        public override Task Completion => _end.Task;

        public override bool CanResize => true;

        public TaskCompletionSource<(int Columns, int Rows)> Size { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Where the guest prints.</summary>
        public PipeWriter Guest => _printed.Writer;

        /// <summary>What the guest reads.</summary>
        public PipeReader Keyboard => _typed.Reader;

        public void End(HypervisorException reason)
        {
            _end.TrySetException(reason);
            _printed.Writer.Complete();
        }

        public override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default)
        {
            Size.TrySetResult((columns, rows));
            return ValueTask.CompletedTask;
        }

        public override ValueTask DisposeAsync()
        {
            _end.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>A screen that sends back what it is sent, after its greeting.</summary>
    private sealed class FakeScreen : GraphicsSession
    {
        private readonly Pipe _pipe = new();

        public FakeScreen() => _ = _pipe.Writer.WriteAsync("RFB 003.008\n"u8.ToArray()).AsTask();

        public override string Protocol => "vnc";

        public override Secret? Password => null;

        public override PipeReader Input => _pipe.Reader;

        public override PipeWriter Output => _pipe.Writer;

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
