using System.Text;
using Hypervisor.Sdk.Lxd.Consoles;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>What is kept of what a server gives only once. The server is one that behaves as the real ones were seen to.</summary>
public sealed class LxdConsoleLogTests
{
    private static readonly InstanceId s_id = InstanceId.Parse("web1");

    private readonly LxdConsoleLogs _logs = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task What_a_server_gives_once_is_kept_for_the_run()
    {
        var server = new Console();
        server.Start();
        server.Print("booted\n");
        Assert.Equal("booted\n", await ReadAsync(server));
        Assert.Equal("booted\n", await ReadAsync(server));
        server.Print("/ # ");
        Assert.Equal("booted\n/ # ", await ReadAsync(server));

        // The same once more is more, while it runs.
        server.Print("/ # ");
        Assert.Equal("booted\n/ # / # ", await ReadAsync(server));
        Assert.Equal(" # ", await ReadAsync(server, 3));
        Assert.Equal("", await ReadAsync(server, 0));
        server.Start();
        server.Print("booted\n");
        Assert.Equal("booted\n", await ReadAsync(server));
    }

    [Fact(Timeout = 60_000)]
    public async Task After_the_stop_comes_what_nobody_had_read_and_the_last_piece_not_again()
    {
        var server = new Console();
        server.Start();
        server.Print("booted\n");
        Assert.Equal("booted\n", await ReadAsync(server));
        server.Stop();
        Assert.Equal("booted\n", await ReadAsync(server));
        Assert.Equal("booted\n", await ReadAsync(server));

        server.Start();
        server.Print("booted\n");
        Assert.Equal("booted\n", await ReadAsync(server));
        server.Print("unread\n");
        server.Stop();
        Assert.Equal("booted\nunread\n", await ReadAsync(server));
        Assert.Equal("booted\nunread\n", await ReadAsync(server));

        // Nobody has read any of it while it ran; it is what the run before has said last.
        server.Start();
        server.Print("unread\n");
        server.Stop();
        Assert.Equal("unread\n", await ReadAsync(server));

        // All of it was read while it ran: what the server gives then is that, behind what it gave of the run before.
        server.Start();
        server.Print("one\n");
        await ReadAsync(server);
        server.Print("two\n");
        Assert.Equal("one\ntwo\n", await ReadAsync(server));
        server.Stop();
        Assert.Equal("one\ntwo\n", await ReadAsync(server));
    }

    [Fact(Timeout = 60_000)]
    public async Task What_is_printed_while_it_is_read_and_stops_is_not_lost()
    {
        var server = new Console();
        server.Start();
        server.Print("booted\n");
        server.Taken = () =>
        {
            server.Taken = null;
            server.Print("last\n");
            server.Stop();
        };
        Assert.Equal("booted\nlast\n", await ReadAsync(server));
    }

    [Fact(Timeout = 60_000)]
    public async Task What_had_come_when_the_connection_was_lost_is_kept_while_it_runs_and_not_doubled_afterwards()
    {
        var server = new Console();
        server.Start();
        server.Print("booted\n");
        await LoseAsync();
        server.Print("more\n");
        Assert.Equal("booted\nmore\n", await ReadAsync(server));
        server.Print("last\n");
        server.Stop();
        await LoseAsync();
        Assert.Equal("booted\nmore\nlast\n", await ReadAsync(server));

        Task LoseAsync() => Assert.ThrowsAsync<BackendConnectionException>(() => _logs.ReadAsync(s_id, 100, server.FindAsync, async piece =>
        {
            await server.TakeAsync(piece);
            throw new BackendConnectionException("It was lost.", ErrorCode.Unavailable, RequestOutcome.Unknown);
        }, Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_container_of_the_same_name_has_none_of_the_log_of_the_one_before_and_one_that_is_gone_is_not_found()
    {
        var server = new Console();
        server.Start();
        server.Print("old\n");
        Assert.Equal("old\n", await ReadAsync(server));
        server.Delete();
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => ReadAsync(server))).Code);
        Assert.Equal(0, _logs.Count);
        server.Create();
        Assert.Equal("", await ReadAsync(server));
        Assert.Equal(0, _logs.Count);
    }

    [Fact(Timeout = 60_000)]
    public async Task Who_gives_up_waiting_takes_nothing_from_others()
    {
        var server = new Console();
        server.Start();
        server.Print("booted\n");
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var impatient = new CancellationTokenSource();
        var reading = _logs.ReadAsync(s_id, 100, server.FindAsync, async piece =>
        {
            await server.TakeAsync(piece);
            taken.SetResult();
            await release.Task;
        }, impatient.Token);
        await taken.Task.WaitAsync(Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        var next = ReadAsync(server);
        release.SetResult();
        Assert.Equal("booted\n", await next);
    }

    [Fact(Timeout = 60_000)]
    public async Task Of_a_long_log_the_end_is_kept_and_of_many_those_that_were_asked_for()
    {
        var server = new Console();
        server.Start();
        for (int i = 0; i < 3; i++)
        {
            server.Print(new string((char)('a' + i), 600_000));
            await ReadAsync(server);
        }

        string log = await ReadAsync(server);
        Assert.Equal(LxdConsoleLogs.MaxBytes, log.Length);
        Assert.EndsWith(new string('c', 600_000), log, StringComparison.Ordinal);
        Assert.DoesNotContain('a', log);
        server.Print(new string('d', (3 * LxdConsoleLogs.MaxBytes) + 17));
        Assert.Equal(new string('d', LxdConsoleLogs.MaxBytes), await ReadAsync(server));

        for (int i = 0; i < 80; i++)
        {
            var other = new Console();
            other.Start();
            other.Print(new string('e', LxdConsoleLogs.MaxBytes));
            await _logs.ReadAsync(InstanceId.Parse($"other{i}"), 1, other.FindAsync, other.TakeAsync, Token);
            if (i < 10)
                Assert.Equal("d", await ReadAsync(server, 1));
        }

        Assert.Equal(64, _logs.Count);
        Assert.Equal("", await ReadAsync(server, 1));
    }

    private async Task<string> ReadAsync(Console server, long maxBytes = long.MaxValue) => Encoding.UTF8.GetString(await _logs.ReadAsync(s_id, maxBytes, server.FindAsync, server.TakeAsync, Token));

    /// <summary>A container's console at a server.</summary>
    private sealed class Console
    {
        private LxdInstance? _instance = new() { Name = "web1", CreatedAt = DateTimeOffset.UnixEpoch.AddYears(50), StatusCode = 102 };
        private int _runs;
        private string _buffer = "";
        private string _file = "";
        private string _given = "";

        /// <summary>Done when something was taken.</summary>
        public Action? Taken { get; set; }

        public void Start() => _instance = new LxdInstance { Name = "web1", CreatedAt = _instance!.CreatedAt, StatusCode = 103, LastUsedAt = DateTimeOffset.UnixEpoch.AddYears(50).AddSeconds(++_runs) };

        public void Print(string text) => _buffer += text;

        public void Stop()
        {
            _instance = new LxdInstance { Name = "web1", CreatedAt = _instance!.CreatedAt, StatusCode = 102, LastUsedAt = _instance.LastUsedAt };

            // What nobody has read takes the place of what was given.
            if (_buffer.Length > 0)
                (_file, _buffer) = (_buffer, "");
        }

        public void Delete() => (_instance, _buffer, _file) = (null, "", "");

        public void Create() => _instance = new LxdInstance { Name = "web1", CreatedAt = DateTimeOffset.UnixEpoch.AddYears(51), StatusCode = 102 };

        public Task<ContainerFacts?> FindAsync() => Task.FromResult(_instance is null ? null : new ContainerFacts(_instance, null));

        public async Task TakeAsync(LxdConsoleLogs.Piece piece)
        {
            await Task.Yield();
            if (_instance is { StatusCode: 103 })
                (_given, _file, _buffer) = (_buffer, _file + _buffer, "");
            else
                _given = _file;
            byte[] bytes = Encoding.UTF8.GetBytes(_given);
            for (int at = 0; at < bytes.Length; at += 1000)
                piece.Append(bytes.AsSpan(at, Math.Min(1000, bytes.Length - at)));
            Taken?.Invoke();
        }
    }
}
