using System.Text;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Consoles of containers of real servers; what all drivers keep is checked by the kit.</summary>
[Peer("lxd")]
public sealed class LxdConsoleTests(LxdLab lab)
{
    private static readonly StopOptions s_atOnce = new() { GracePeriod = TimeSpan.Zero };
    private static readonly ConsoleOptions s_replaying = new() { ReplayTail = ByteSize.FromKiB(256) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    [Feature("CON-16")]
    public async Task A_console_is_typed_to_and_read_and_ends_with_its_container(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await ServerAsync(kind), "consoled");
        var console = guest.Backend.Get<ISerialConsole>();
        await using (var session = await console.OpenAsync(guest.Id, null, Token))
        {
            var screen = new ConsoleScreen(session);
            await TypeAsync(guest, screen, "echo ty''ped $((6 * 7))", "typed 42");
            Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => console.OpenAsync(guest.Id, new ConsoleOptions { Port = 1 }, Token))).Code);
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => console.OpenAsync(guest.Id, null, Token))).Code);
            Assert.False(session.Completion.IsCompleted);
            await session.DisposeAsync();
            await session.Completion.WaitAsync(Token);
        }

        // It is free again, also at the server.
        await using var again = await console.OpenAsync(guest.Id, s_replaying, Token);
        var replayed = new ConsoleScreen(again);
        await replayed.ReadToAsync("typed 42");
        await TypeAsync(guest, replayed, "echo ag''ain", "again");
        await guest.Backend.Get<IContainerRuntime>().StopAsync(guest.Id, s_atOnce, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => again.Completion.WaitAsync(Token))).Code);
        await replayed.ReadToEndAsync();
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => console.OpenAsync(guest.Id, null, Token))).Code);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    [Feature("CON-02")]
    public async Task The_log_has_what_was_printed_since_the_start_however_often_it_is_read_and_after_the_stop(ServerKind kind)
    {
        var server = await ServerAsync(kind);
        await using var guest = await RunningContainer.StartAsync(server, "logged");
        var containers = guest.Backend.Get<IContainerRuntime>();
        var console = guest.Backend.Get<ISerialConsole>();
        await HasAsync(guest, console, "booted");
        await PrintAsync(guest, "first words");
        await HasAsync(guest, console, "first words");
        await PrintAsync(guest, "second words");

        // Another backend of this process knows what this one has read, and what it reads this one knows.
        await using (var other = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token))
            await HasAsync(guest, other.Get<ISerialConsole>(), "booted", "first words", "second words");
        await HasAsync(guest, console, "booted", "first words", "second words");
        byte[] tail = await LogAsync(console, guest.Id, 7);
        Assert.Equal(7, tail.Length);
        Assert.Empty(await LogAsync(console, guest.Id, 0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => console.OpenLogAsync(guest.Id, -1, Token));

        await PrintAsync(guest, "last words");
        await containers.StopAsync(guest.Id, s_atOnce, null, Token).WaitForCompletionAsync(Token);
        await HasAsync(guest, console, "booted", "first words", "second words", "last words");
        byte[] whole = await LogAsync(console, guest.Id);
        Assert.Equal(whole, await LogAsync(console, guest.Id));

        // The next run begins with nothing.
        await containers.StartAsync(guest.Id, null, Token).WaitForCompletionAsync(Token);
        await HasAsync(guest, console, "booted");
        Assert.DoesNotContain("first words", Text(await LogAsync(console, guest.Id)), StringComparison.Ordinal);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_container_that_was_never_started_has_printed_nothing_and_one_that_is_not_there_has_no_log(ServerKind kind)
    {
        var server = await ServerAsync(kind);
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);
        var console = backend.Get<ISerialConsole>();
        var made = await backend.Get<IContainerRuntime>().CreateAsync(new ContainerSpec { Name = InstanceName.Parse("silent"), Image = server.Image }, null, Token).WaitForCompletionAsync(Token);
        try
        {
            Assert.Empty(await LogAsync(console, made.Id));
            Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => console.OpenAsync(made.Id, null, Token))).Code);
        }
        finally
        {
            await backend.Get<IContainerRuntime>().DeleteAsync(made.Id, null, null, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None);
        }

        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => console.OpenLogAsync(made.Id, null, Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => console.OpenAsync(made.Id, null, Token))).Code);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    [Feature("CON-18")]
    public async Task What_a_container_prints_comes_to_who_has_its_console_open_while_it_prints(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await ServerAsync(kind), "streamed");
        await PrintAsync(guest, "printed before");
        await using var session = await guest.Backend.Get<ISerialConsole>().OpenAsync(guest.Id, s_replaying, Token);
        var screen = new ConsoleScreen(session);
        await screen.ReadToAsync("printed before");

        // The server is at the console a moment after it has answered: what is printed until then is in the log only.
        var reading = screen.ReadToAsync("printed meanwhile");
        while (!reading.IsCompleted)
            await PrintAsync(guest, "printed meanwhile");
        await reading;

        // Each is read before the next is printed.
        for (int line = 1; line <= 5; line++)
        {
            await PrintAsync(guest, $"line {line} of it");
            await screen.ReadToAsync($"line {line} of it");
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_console_that_another_client_has_open_is_refused_and_taken_over_where_the_server_can(ServerKind kind)
    {
        var server = await ServerAsync(kind);
        await using var guest = await RunningContainer.StartAsync(server, "contended");
        await using var other = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);
        await using var first = await guest.Backend.Get<ISerialConsole>().OpenAsync(guest.Id, null, Token);
        var screen = new ConsoleScreen(first);
        await TypeAsync(guest, screen, "echo fi''rst", "first");
        await RefusedAsync(null);
        Assert.False(first.Completion.IsCompleted);
        if (kind == ServerKind.Lxd)
        {
            await RefusedAsync(new ConsoleOptions { TakeOver = true });
            await TypeAsync(guest, screen, "echo st''ill", "still");
            return;
        }

        await using var second = await other.Get<ISerialConsole>().OpenAsync(guest.Id, new ConsoleOptions { TakeOver = true }, Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => first.Completion.WaitAsync(Token))).Code);
        await TypeAsync(guest, new ConsoleScreen(second), "echo se''cond", "second");

        async Task RefusedAsync(ConsoleOptions? options)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => other.Get<ISerialConsole>().OpenAsync(guest.Id, options, Token));
            Assert.Equal((ErrorCode.Locked, RequestOutcome.Rejected), (refused.Code, refused.Outcome));
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Who_closes_the_backend_closes_its_consoles(ServerKind kind)
    {
        var server = await ServerAsync(kind);
        await using var guest = await RunningContainer.StartAsync(server, "let-go");
        var other = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);
        var session = await other.Get<ISerialConsole>().OpenAsync(guest.Id, null, Token);

        // The server is at the console then.
        await TypeAsync(guest, new ConsoleScreen(session), "echo fi''rst", "first");
        await other.DisposeAsync();
        await session.Completion.WaitAsync(Token);
        await session.DisposeAsync();
        await using var next = await guest.Backend.Get<ISerialConsole>().OpenAsync(guest.Id, null, Token);
        await TypeAsync(guest, new ConsoleScreen(next), "echo ne''xt", "next");
    }

    /// <summary>A server for consoles alone.</summary>
    private Task<PrivateServer> ServerAsync(ServerKind kind) => lab.GetAsync(kind, use: "consoles");

    /// <summary>
    /// Types a line until it is answered: what is typed before the server is at the console is dropped by it, and when a session before has ended, a shell may have a letter of the server's on its line.
    /// The line is written in two parts, so that its echo is not the answer.
    /// </summary>
    private static async Task TypeAsync(RunningContainer guest, ConsoleScreen screen, string line, string answer)
    {
        var reading = screen.ReadToAsync(answer);
        while (!reading.IsCompleted)
        {
            await screen.TypeAsync("\n" + line + "\n");
            Assert.True((await guest.RunAsync("sleep", "1")).IsSuccess);
        }

        await reading;
    }

    private static async Task PrintAsync(RunningContainer guest, string words)
    {
        var printed = await guest.RunAsync("sh", "-c", "echo \"$1\" > /dev/console", "-", words);
        Assert.True(printed.IsSuccess, Text(printed.Error));
    }

    /// <summary>Reads the log until it has all of these words.</summary>
    private static Task HasAsync(RunningContainer guest, ISerialConsole console, params string[] words) => HasAsync(console, guest.Id, words);

    private static async Task HasAsync(ISerialConsole console, InstanceId id, params string[] words)
    {
        while (true)
        {
            string log = Text(await LogAsync(console, id));
            if (words.All(word => log.Contains(word, StringComparison.Ordinal)))
                return;
            Token.ThrowIfCancellationRequested();
            await Task.Delay(100, Token);
        }
    }

    private static async Task<byte[]> LogAsync(ISerialConsole console, InstanceId id, long? tailBytes = null)
    {
        await using var log = await console.OpenLogAsync(id, tailBytes, Token);
        using var bytes = new MemoryStream();
        await log.CopyToAsync(bytes, Token);
        return bytes.ToArray();
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
