using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Remote.Services;

namespace Hypervisor.Sdk.Remote.Tests;

/// <summary>What crosses the connection, and how it arrives.</summary>
public sealed class RemoteBackendTests
{
    private static readonly InstanceId s_id = InstanceId.Parse("machine-1");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_service_of_the_model_is_served()
    {
        Type[] known = [typeof(IBackend), typeof(IBackendFactory), typeof(IBackendRegistry), typeof(ISecretProvider), typeof(ISpecExtension)];
        var services = typeof(IBackend).Assembly.GetExportedTypes().Where(type => type.IsInterface && !known.Contains(type)).ToHashSet();
        // What drivers of a kind say to each other is theirs.
        services.Add(typeof(IBackendChannels));
        Assert.Equal(services.Select(type => type.Name).Order(StringComparer.Ordinal), RemoteServices.All.Select(service => service.Type.Name).Order(StringComparer.Ordinal));
        // A method without a route would be found out by its first caller.
        foreach (var service in RemoteServices.All)
            Assert.True(RemoteServices.Routes.Keys.Count(name => name.StartsWith(service.Word + ".", StringComparison.Ordinal)) >= service.Type.GetMethods().Length, service.Word);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_backend_says_over_there_what_it_is_and_what_it_can_do()
    {
        var files = new Files();
        await using var link = await Link.OpenAsync(opening =>
        {
            Assert.Equal("remote", opening.Name.ToString());
            Assert.Equal("{}"u8, opening.Settings.Span);
            return new ServiceBackend(files);
        }, options => options.Settings = "{}"u8.ToArray());
        Assert.Equal(("test", "1.2-test", new Version(1, 2), "test://here/"), (link.Client.Info.Kind, link.Client.Info.ServerVersion, link.Client.Info.ParsedVersion, link.Client.Info.Endpoint.OriginalString));
        Assert.Equal((17, true), (link.Client.Info.Naming.MaxLength, link.Client.Info.Naming.CaseSensitive));
        Assert.True(link.Client.TryGet<IGuestFiles>(out _));
        Assert.False(link.Client.TryGet<ISnapshots>(out _));
        Assert.False(link.Client.TryGet<Files>(out _));
        var answer = await link.Client.QueryAsync(Capability.Snapshots, new CapabilityTarget { Instance = s_id }, Token);
        Assert.Equal((CapabilitySupport.Conditional, "snapshots of machine-1"), (answer.Support, answer.Reason));
        Assert.Equal(CapabilitySupport.No, (await link.Client.QueryAsync(Capability.Snapshots, default, Token)).Support);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_failure_arrives_as_what_it_was()
    {
        var files = new Files();
        await using var link = await Link.OpenAsync(_ => new ServiceBackend(files));
        var client = link.Client.Get<IGuestFiles>();
        files.Failure = new HypervisorException("No room.", ErrorCode.Exhausted, RequestOutcome.FailedMidway) { Resource = "file x", BackendCode = "ENOSPC", BackendMessage = "native words", RetryAfter = TimeSpan.FromSeconds(3), FieldErrors = new Dictionary<string, string> { ["path"] = "too long" } };
        var failure = await Assert.ThrowsAsync<HypervisorException>(() => client.DeleteAsync(s_id, "/x", Token));
        Assert.Equal(("No room.", ErrorCode.Exhausted, RequestOutcome.FailedMidway, "file x", "ENOSPC", "native words", TimeSpan.FromSeconds(3), "too long"),
            (failure.Message, failure.Code, failure.Outcome, failure.Resource, failure.BackendCode, failure.BackendMessage, failure.RetryAfter, failure.FieldErrors!["path"]));
        files.Failure = new BackendConnectionException("Its own server is gone.", ErrorCode.Unavailable, RequestOutcome.Unknown);
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(() => client.DeleteAsync(s_id, "/x", Token))).Outcome);
        files.Failure = new ArgumentException("Not such a path.", "path");
        var misuse = await Assert.ThrowsAsync<ArgumentException>(() => client.DeleteAsync(s_id, "/x", Token));
        Assert.Equal(("path", files.Failure.Message), (misuse.ParamName, misuse.Message));
        files.Failure = new InvalidTimeZoneException("A bug.");
        var bug = await Assert.ThrowsAsync<HypervisorException>(() => client.DeleteAsync(s_id, "/x", Token));
        Assert.Equal((ErrorCode.Unspecified, RequestOutcome.Unknown), (bug.Code, bug.Outcome));
        Assert.Contains("A bug.", bug.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => client.DeleteAsync(default, "/x", Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancelled_change_is_cancelled_over_there_and_waited_for()
    {
        var files = new Files();
        await using var link = await Link.OpenAsync(_ => new ServiceBackend(files));
        using var cancelling = new CancellationTokenSource();
        files.Begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        files.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var delete = link.Client.Get<IGuestFiles>().DeleteAsync(s_id, "/x", cancelling.Token);
        var token = await files.Begun.Task.WaitAsync(Token);
        await cancelling.CancelAsync();
        await CancelledAsync(token);
        Assert.False(delete.IsCompleted);
        files.Gate.TrySetCanceled(token);
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delete);
        Assert.Equal(cancelling.Token, cancelled.CancellationToken);
        // And one whose token is cancelled already is never sent.
        int calls = files.Calls;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => link.Client.Get<IGuestFiles>().DeleteAsync(s_id, "/x", cancelling.Token));
        Assert.Equal(calls, files.Calls);
    }

    [Fact(Timeout = 60_000)]
    public async Task Whoever_reads_slowly_keeps_nobody_waiting_and_fills_no_memory()
    {
        var files = new Files();
        await using var link = await Link.OpenAsync(_ => new ServiceBackend(files));
        var client = link.Client.Get<IGuestFiles>();
        await using var slow = await client.OpenReadAsync(s_id, "/endless", Token);
        byte[] buffer = new byte[1000];
        await slow.ReadExactlyAsync(buffer, Token);
        // Others come through meanwhile: more calls, and another stream at full length.
        await using (var other = await client.OpenReadAsync(s_id, "/three-megabytes", Token))
        {
            long bytes = 0;
            byte[] all = new byte[64 << 10];
            while (await other.ReadAsync(all, Token) is > 0 and int read)
                bytes += read;
            Assert.Equal(3 << 20, bytes);
        }

        await client.DeleteAsync(s_id, "/x", Token);
        // What was read for the slow one is what the window lets through, and a buffer or two.
        Assert.InRange(files.EndlessBytes, 1000, Wire.WireProtocol.WindowBytes + 3 * Wire.WireProtocol.ChunkBytes);
        long before = files.EndlessBytes;
        for (int i = 0; i < 600; i++)
            await slow.ReadExactlyAsync(buffer, Token);
        while (files.EndlessBytes == before)
            await slow.ReadExactlyAsync(buffer, Token);
        await slow.DisposeAsync();
        await files.EndlessClosed.Task.WaitAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task Content_arrives_byte_for_byte_and_an_upload_that_fails_ends_on_both_sides()
    {
        var files = new Files();
        await using var link = await Link.OpenAsync(_ => new ServiceBackend(files));
        var client = link.Client.Get<IGuestFiles>();
        byte[] content = new byte[1_300_001];
        new Random(1).NextBytes(content);
        await client.WriteAsync(s_id, "/x", new MemoryStream(content), new GuestFileAttributes { UserId = 7 }, Token);
        Assert.Equal(content, files.Written!.ToArray());
        Assert.Equal(7, files.Attributes!.UserId);
        // The reader over there refuses in the middle: the writer hears it and is not left waiting.
        files.RefuseAfter = 100_000;
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => client.WriteAsync(s_id, "/x", new MemoryStream(content), null, Token));
        Assert.Equal(ErrorCode.Exhausted, refused.Code);
        // The stream here fails in the middle: that is what its owner hears, and over there it is no whole file.
        files.RefuseAfter = null;
        files.Written = null;
        await Assert.ThrowsAsync<EndOfStreamException>(() => client.WriteAsync(s_id, "/x", new BrokenStream(content), null, Token));
        Assert.Null(files.Written);
        Assert.Equal(["a", "b", "c"], await link.Client.Get<IGuestFiles>().ListAsync(s_id, "/", Token).Select(file => file.Name).ToListAsync(Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task Secrets_are_asked_of_who_connected()
    {
        var secrets = new Secrets();
        ISecretProvider? asked = null;
        await using var link = await Link.OpenAsync(opening =>
        {
            asked = opening.Secrets;
            return new ServiceBackend();
        }, options => options.Secrets = secrets);
        Assert.Equal([1, 0, 255], (await asked!.GetAsync(new SecretReference("disk", "2"), Token)).Reveal().ToArray());
        Assert.Equal(new SecretReference("disk", "2"), secrets.Last);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(async () => await asked.GetAsync(new SecretReference("none"), Token))).Code);
    }

    private static async Task CancelledAsync(CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.Register(() => cancelled.TrySetResult());
        await cancelled.Task.WaitAsync(Token);
    }

    private sealed class Secrets : ISecretProvider
    {
        public SecretReference Last { get; private set; }

        public ValueTask<Secret> GetAsync(SecretReference reference, CancellationToken cancellationToken = default)
        {
            if (reference.Name == "none")
                throw new HypervisorException("There is none.", ErrorCode.NotFound, RequestOutcome.Rejected);
            Last = reference;
            return new(new Secret([1, 0, 255]));
        }
    }

    private sealed class BrokenStream(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Position > 500_000 ? throw new EndOfStreamException("broken") : base.ReadAsync(buffer, cancellationToken);
    }

    /// <summary>Files of a guest, of which the test says what becomes.</summary>
    private sealed class Files : IGuestFiles
    {
        public Exception? Failure { get; set; }

        public int Calls { get; private set; }

        public TaskCompletionSource<CancellationToken>? Begun { get; set; }

        public TaskCompletionSource? Gate { get; set; }

        public long EndlessBytes;

        public TaskCompletionSource EndlessClosed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public MemoryStream? Written { get; set; }

        public GuestFileAttributes? Attributes { get; private set; }

        public int? RefuseAfter { get; set; }

        public Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => Task.FromResult<Stream>(path == "/endless" ? new Endless(this) : new MemoryStream(new byte[3 << 20]));

        public async Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default)
        {
            Attributes = attributes;
            var written = new MemoryStream();
            byte[] buffer = new byte[10_000];
            while (await content.ReadAsync(buffer, cancellationToken) is > 0 and int bytes)
            {
                written.Write(buffer, 0, bytes);
                if (written.Length > RefuseAfter)
                    throw new HypervisorException("No room.", ErrorCode.Exhausted, RequestOutcome.Rejected);
            }

            cancellationToken.ThrowIfCancellationRequested();
            Written = written;
        }

        public async IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (string name in (string[])["a", "b", "c"])
            {
                await Task.Yield();
                yield return new GuestFile { Name = name, Kind = "file" };
            }
        }

        public async Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default)
        {
            Calls++;
            if (Failure is not null)
                throw Failure;
            Begun?.TrySetResult(cancellationToken);
            if (Gate is not null)
                await Gate.Task;
        }

        private sealed class Endless(Files files) : MemoryStream
        {
            public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                Interlocked.Add(ref files.EndlessBytes, buffer.Length);
                return new(buffer.Length);
            }

            public override ValueTask DisposeAsync()
            {
                files.EndlessClosed.TrySetResult();
                return base.DisposeAsync();
            }
        }
    }
}
