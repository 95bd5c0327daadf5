using System.Text;

namespace Hypervisor.Sdk.Simulation.Tests.Guests;

public sealed class CommandTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_command_runs_in_the_guest_and_what_it_did_stays()
    {
        await using var dc = new SimulatedDatacenter(o => o.Guests.Programs["deploy"] = async (call, token) =>
        {
            await call.DelayAsync(TimeSpan.FromMinutes(2), token);
            call.WriteFile("/srv/version", Encoding.UTF8.GetBytes(call.Arguments[0]));
            call.Print($"deployed {call.Arguments[0]} on {call.HostName}");
            return 0;
        });
        var vm = await UpAsync(dc, "web1");
        var commands = dc.Backend.Get<ICommands>();
        var before = dc.Clock.Elapsed;
        var deployed = await commands.RunAsync(vm.Id, new CommandSpec { Command = ["deploy", "2.0"] }, cancellationToken: Token);
        Assert.Equal((0, "deployed 2.0 on web1\n"), (deployed.ExitCode, Encoding.UTF8.GetString(deployed.Output.Span)));
        Assert.True(dc.Clock.Elapsed - before >= TimeSpan.FromMinutes(2));

        var counted = await commands.RunAsync(vm.Id, new CommandSpec { Command = ["wc", "-c"], WorkingDirectory = "/srv" }, "12345"u8.ToArray(), Token);
        Assert.Equal("5\n", Encoding.UTF8.GetString(counted.Output.Span));
        var failed = await commands.RunAsync(vm.Id, new CommandSpec { Command = ["sh", "-c", "echo no >&2; exit $CODE"], Environment = new Dictionary<string, SecretOrText> { ["CODE"] = "3" } }, cancellationToken: Token);
        Assert.Equal((3, "no\n"), (failed.ExitCode, Encoding.UTF8.GetString(failed.Error.Span)));
        var cut = await commands.RunAsync(vm.Id, new CommandSpec { Command = ["seq", "1000"], MaxOutputBytes = 10 }, cancellationToken: Token);
        Assert.Equal((10, true), (cut.Output.Length, cut.IsTruncated));

        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => commands.RunAsync(vm.Id, new CommandSpec { Command = ["no-such"] }, cancellationToken: Token))).Code);
        await dc.Hypervisor().RestartAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<HypervisorException>(() => commands.RunAsync(vm.Id, new CommandSpec { Command = ["true"] }, cancellationToken: Token))).Code);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        await using var file = await dc.Backend.Get<IGuestFiles>().OpenReadAsync(vm.Id, "/srv/version", Token);
        Assert.Equal("2.0", await new StreamReader(file).ReadToEndAsync(Token));
        Assert.Equal("web1", (await dc.Backend.Get<IGuestAgent>().GetInfoAsync(vm.Id, Token)).HostName);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_machine_that_is_switched_off_kills_what_runs_in_it()
    {
        await using var dc = new SimulatedDatacenter(o => o.Pace = SimulationPace.Stepped);
        var vm = await UpAsync(dc, "web1");
        var running = dc.Backend.Get<ICommands>().RunAsync(vm.Id, new CommandSpec { Command = ["sleep", "1000"] }, cancellationToken: Token);
        Assert.False(running.IsCompleted);
        var stop = await dc.Hypervisor().StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        await stop.WaitAsync(Token);
        var result = await running;
        Assert.Null(result.ExitCode);
        Assert.Equal("SIGKILL", result.Signal.ToString());
    }

    [Fact(Timeout = 60_000)]
    public async Task Who_gives_up_waiting_does_not_end_the_command()
    {
        await using var dc = new SimulatedDatacenter(o => o.Pace = SimulationPace.Stepped);
        var vm = await UpAsync(dc, "web1");
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var running = dc.Backend.Get<ICommands>().RunAsync(vm.Id, new CommandSpec { Command = ["sh", "-c", "sleep 30; echo done > /srv/f"] }, cancellationToken: gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        await using var file = await dc.Backend.Get<IGuestFiles>().OpenReadAsync(vm.Id, "/srv/f", Token);
        Assert.Equal("done\n", await new StreamReader(file).ReadToEndAsync(Token));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_conversation_takes_input_and_gives_both_outputs_and_the_exit_code(bool isWithin)
    {
        await using var dc = new SimulatedDatacenter();
        async Task Run()
        {
            var vm = await UpAsync(dc, "web1");
            var exec = dc.Backend.Get<IExec>();
            await using var session = await exec.StartAsync(vm.Id, new CommandSpec { Command = ["sh", "-c", "read name; echo hello $name; echo bad >&2; cat; sleep 60; exit 4"] }, Token);
            await session.WriteAsync("world\n"u8.ToArray(), Token);
            Assert.Equal((ExecChannel.StandardOutput, "hello world\n"), await ReadAsync(session));
            Assert.Equal((ExecChannel.StandardError, "bad\n"), await ReadAsync(session));
            await session.WriteAsync("more"u8.ToArray(), Token);
            Assert.Equal((ExecChannel.StandardOutput, "more"), await ReadAsync(session));
            Assert.Null(session.ExitCode);
            await session.CompleteInputAsync(Token);
            Assert.Equal((ExecChannel.End, ""), await ReadAsync(session));
            Assert.Equal(4, session.ExitCode);

            await using var killed = await exec.StartAsync(vm.Id, new CommandSpec { Command = ["cat"] }, Token);
            await killed.SignalAsync(SignalName.Parse("SIGTERM"), Token);
            Assert.Equal((ExecChannel.End, ""), await ReadAsync(killed));
            Assert.Null(killed.ExitCode);
        }

        if (isWithin)
            await dc.RunAsync(Run);
        else
            await Run();
    }

    [Theory(Timeout = 60_000)]
    [InlineData("/nowhere", "not-found")]
    [InlineData("relative", "invalid-argument")]
    [InlineData("/etc", "invalid-argument")]
    public async Task Files_that_cannot_be_read_say_why(string path, string code)
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await UpAsync(dc, "web1");
        var files = dc.Backend.Get<IGuestFiles>();
        Assert.Equal(code, (await Assert.ThrowsAsync<HypervisorException>(() => files.OpenReadAsync(vm.Id, path, Token))).Code.ToString());
        await files.WriteAsync(vm.Id, "/srv/up", new MemoryStream("x"u8.ToArray()), new GuestFileAttributes { Mode = UnixFileMode.UserRead, UserId = 7 }, Token);
        var listed = new List<GuestFile>();
        await foreach (var file in files.ListAsync(vm.Id, "/srv", Token))
            listed.Add(file);
        Assert.Equal(("up", 7, UnixFileMode.UserRead), (Assert.Single(listed).Name, listed[0].Attributes!.UserId, listed[0].Attributes!.Mode));
        await files.DeleteAsync(vm.Id, "/srv/up", Token);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => files.DeleteAsync(vm.Id, "/srv/up", Token))).Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task Going_back_to_a_snapshot_brings_the_files_back_and_a_clone_has_them()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await UpAsync(dc, "web1");
        await ShAsync(dc, vm.Id, "echo before > /srv/f");
        await dc.Backend.Get<ISnapshots>().CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("s1"), IncludeMemory = true }, cancellationToken: Token).WaitForCompletionAsync(Token);
        await ShAsync(dc, vm.Id, "echo after > /srv/f; rm /etc/passwd");
        await dc.Backend.Get<ISnapshots>().RevertAsync(vm.Id, SnapshotName.Parse("s1"), cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal("before\n0\n", await ShAsync(dc, vm.Id, "cat /srv/f; test -e /etc/passwd; echo $?"));
        await ShAsync(dc, vm.Id, "echo later > /srv/f");

        await dc.Hypervisor().StopAsync(vm.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        foreach (var (name, snapshot, expected) in new[] { ("copy1", (SnapshotName?)null, "later\n"), ("copy2", SnapshotName.Parse("s1"), "before\n") })
        {
            var clone = await dc.Backend.Get<ICloning>().CloneAsync(vm.Id, new CloneSpec { Name = InstanceName.Parse(name), Snapshot = snapshot }, cancellationToken: Token).WaitForCompletionAsync(Token);
            await dc.Hypervisor().StartAsync(clone.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
            dc.Clock.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(expected + name + "\n", await ShAsync(dc, clone.Id, "cat /srv/f; hostname"));
        }
    }

    private static async Task<string> ShAsync(SimulatedDatacenter dc, InstanceId id, string script) =>
        Encoding.UTF8.GetString((await dc.Backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["sh", "-c", script] }, cancellationToken: Token)).Output.Span);

    private static async Task<Instance> UpAsync(SimulatedDatacenter dc, string name)
    {
        var create = await dc.Hypervisor().CreateAsync(Machines.Spec(name), cancellationToken: Token);
        if (dc.World.Options.Pace == SimulationPace.Stepped)
            dc.Clock.Advance(TimeSpan.FromMinutes(1));
        var vm = await create.WaitAsync(Token);
        var start = await dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token);
        if (dc.World.Options.Pace == SimulationPace.Stepped)
            dc.Clock.Advance(TimeSpan.FromMinutes(2));
        await start.WaitAsync(Token);
        if (dc.World.Loop.IsCurrent)
            await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock, Token);
        else
            dc.Clock.Advance(TimeSpan.FromMinutes(1));
        return vm;
    }

    private static async Task<(ExecChannel Channel, string Text)> ReadAsync(ExecSession session)
    {
        byte[] buffer = new byte[256];
        var read = await session.ReadAsync(buffer, Token);
        return (read.Channel, Encoding.UTF8.GetString(buffer, 0, read.Count));
    }
}
