using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class GuestTests(BootedMachine booted) : IClassFixture<BootedMachine>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ICommands Commands => booted.Backend.Get<ICommands>();

    [Fact(Timeout = 120_000)]
    public async Task A_command_runs_in_the_guest_with_its_arguments_as_they_are()
    {
        var result = await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/echo", "a b", "$(id)", "; rm -rf /", "ü"] }, cancellationToken: Token);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("a b $(id) ; rm -rf / ü\n", Encoding.UTF8.GetString(result.Output.Span));
        Assert.True(result.Error.IsEmpty);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_command_reads_its_input_sees_its_environment_and_its_failure_is_a_result()
    {
        var spec = new CommandSpec { Command = ["/bin/sh", "-c", "cat; echo $WHO >&2; exit 7"], Environment = new Dictionary<string, SecretOrText> { ["WHO"] = "me" } };
        var result = await Commands.RunAsync(booted.Id, spec, "from here"u8.ToArray(), Token);
        Assert.Equal(7, result.ExitCode);
        Assert.False(result.IsSuccess);
        Assert.Equal("from here", Encoding.UTF8.GetString(result.Output.Span));
        Assert.Equal("me\n", Encoding.UTF8.GetString(result.Error.Span));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_a_command_prints_is_bounded_and_a_signal_that_ends_it_is_named()
    {
        var flood = await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/sh", "-c", "head -c 100000 /dev/zero"], MaxOutputBytes = 1000 }, cancellationToken: Token);
        Assert.True(flood.IsTruncated);
        Assert.Equal(1000, flood.Output.Length);

        var killed = await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/sh", "-c", "kill -9 $$"] }, cancellationToken: Token);
        Assert.Null(killed.ExitCode);
        Assert.Equal(SignalName.Kill, killed.Signal);
    }

    /// <summary>An emulated guest takes a minute for it where others use the processor.</summary>
    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task More_than_a_line_of_the_agent_usually_has_is_cut_and_is_no_error()
    {
        var flood = await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/sh", "-c", "head -c 13000000 /dev/zero"], MaxOutputBytes = 1000 }, cancellationToken: Token);
        Assert.True(flood.IsTruncated);
        Assert.Equal((0, 1000), (flood.ExitCode, flood.Output.Length));
    }

    [Fact(Timeout = 120_000)]
    public async Task Others_talk_to_the_agent_while_a_long_command_runs()
    {
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var slow = Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/sh", "-c", "while [ ! -e /tmp/over ]; do usleep 100000; done; echo done"] }, cancellationToken: given.Token);
        var info = await booted.Backend.Get<IGuestAgent>().GetInfoAsync(booted.Id, Token);
        Assert.NotEmpty(info.HostName!);
        Assert.False(slow.IsCompleted);
        // A third one ends it.
        Assert.Equal(0, (await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/touch", "/tmp/over"] }, cancellationToken: Token)).ExitCode);
        Assert.Equal("done\n", Encoding.UTF8.GetString((await slow).Output.Span));

        var never = Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/sleep", "1000"] }, cancellationToken: given.Token);
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_program_that_is_not_there_and_a_field_that_cannot_be_are_errors()
    {
        await Assert.ThrowsAsync<HypervisorException>(() => Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/no/such/program"] }, cancellationToken: Token));
        foreach (var (spec, field) in new[]
        {
            (new CommandSpec { Command = [] }, "command"),
            (new CommandSpec { Command = ["/bin/true", "a\0b"] }, "command"),
            (new CommandSpec { Command = ["/bin/true"], User = "x" }, "user"),
            (new CommandSpec { Command = ["/bin/true"], Terminal = true }, "terminal"),
            (new CommandSpec { Command = ["/bin/true"], Environment = new Dictionary<string, SecretOrText> { ["A=B"] = "x" } }, "environment"),
            (new CommandSpec { Command = ["/bin/true"], Environment = new Dictionary<string, SecretOrText> { ["A"] = new SecretReference("s") } }, "environment"),
        })
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => Commands.RunAsync(booted.Id, spec, cancellationToken: Token));
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
            Assert.Contains(field, refused.FieldErrors!.Keys);
        }
    }

    [Fact(Timeout = 300_000)]
    public async Task Files_of_the_guest_are_written_read_listed_and_deleted_and_what_it_refuses_has_a_code()
    {
        var files = booted.Backend.Get<IGuestFiles>();
        byte[] content = new byte[GuestAgentFiles.MaxPartBytes + 17];
        new Random(7).NextBytes(content);
        const string Path = "/tmp/-a file; $(id)";
        var attributes = new GuestFileAttributes { UserId = 12, GroupId = 34, Mode = UnixFileMode.UserRead };
        await files.WriteAsync(booted.Id, Path, new MemoryStream(content), attributes, Token);
        await using (var read = await files.OpenReadAsync(booted.Id, Path, Token))
        {
            // Others talk to the agent while a file is open.
            Assert.True((await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["cmp", Path, Path] }, cancellationToken: Token)).IsSuccess);
            using var back = new MemoryStream();
            await read.CopyToAsync(back, Token);
            Assert.Equal(content, back.ToArray());
        }

        var listed = Assert.Single(await CollectAsync(files.ListAsync(booted.Id, "/tmp", Token)), file => file.Name == Path[5..]);
        Assert.Equal(("file", content.Length, 12, 34, attributes.Mode), (listed.Kind, listed.Size!.Value.Bytes, listed.Attributes!.UserId, listed.Attributes.GroupId, listed.Attributes.Mode));
        await files.DeleteAsync(booted.Id, Path, Token);
        await RefusedAsync(ErrorCode.NotFound, () => files.OpenReadAsync(booted.Id, Path, Token));
        await RefusedAsync(ErrorCode.InvalidArgument, () => files.OpenReadAsync(booted.Id, "/dev/null", Token));
        await RefusedAsync(ErrorCode.InvalidState, () => files.DeleteAsync(booted.Id, "/bin", Token));
        Assert.True((await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["mount", "-t", "tmpfs", "-o", "ro", "none", "/mnt"] }, cancellationToken: Token)).IsSuccess);
        // The agent opens it itself: what it says in words has a code.
        await RefusedAsync(ErrorCode.Denied, () => files.WriteAsync(booted.Id, "/mnt/file", new MemoryStream(content), null, Token));
        await RefusedAsync(ErrorCode.Denied, () => files.WriteAsync(booted.Id, "/mnt/file", new MemoryStream(content), attributes, Token));
        Assert.True((await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["umount", "/mnt"] }, cancellationToken: Token)).IsSuccess);

        async Task RefusedAsync(ErrorCode code, Func<Task> call) => Assert.Equal(code, (await Assert.ThrowsAsync<HypervisorException>(call)).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_guest_says_who_it_is_and_which_addresses_it_has()
    {
        var info = await booted.Backend.Get<IGuestAgent>().GetInfoAsync(booted.Id, Token);
        Assert.StartsWith("qemu-ga ", info.Agent, StringComparison.Ordinal);
        Assert.Equal("booted", info.HostName);
        Assert.StartsWith("6.", info.Kernel, StringComparison.Ordinal);
        Assert.Contains(info.Networks, network => network.Mac == booted.Machine.Networks[0].Mac);
    }

    [Fact(Timeout = 120_000)]
    [Feature("MON-06")]
    public async Task A_running_machine_has_live_counters_and_what_nobody_knows_is_null_with_a_reason()
    {
        var metrics = booted.Backend.Get<IMetrics>();
        await Commands.RunAsync(booted.Id, new CommandSpec { Command = ["/bin/sh", "-c", "dd if=/dev/zero of=/dev/vda bs=1M count=4 && sync; dd if=/dev/vda of=/dev/null bs=1M count=4 iflag=direct"] }, cancellationToken: Token);
        var sample = Assert.Single(await CollectAsync(metrics.SampleAsync(new InstanceFilter { Name = "booted" }, Token)));
        Assert.Equal(booted.Id, sample.Id);
        Assert.True(sample.CpuTime > TimeSpan.FromMilliseconds(100));
        Assert.True(sample.MemoryUsed > ByteSize.FromMiB(30));
        Assert.True(sample.DiskWriteBytes >= 4 << 20);
        Assert.True(sample.DiskWriteOperations > 0);
        Assert.True(sample.NetworkReceivedBytes is not null || sample.Unavailable.ContainsKey(nameof(InstanceMetrics.NetworkReceivedBytes)));
        Assert.True(sample.MemoryUsedByGuest is not null || sample.Unavailable.ContainsKey(nameof(InstanceMetrics.MemoryUsedByGuest)));
        Assert.Empty(await CollectAsync(metrics.SampleAsync(new InstanceFilter { Name = "nobody" }, Token)));
    }

    [Fact(Timeout = 120_000)]
    public async Task The_agent_counts_a_user_mode_network()
    {
        var sample = Assert.Single(await CollectAsync(booted.Backend.Get<IMetrics>().SampleAsync(new InstanceFilter { Name = "booted" }, Token)));
        Assert.True(sample.NetworkSentBytes > 0, string.Join(' ', sample.Unavailable));
        Assert.True(sample.NetworkReceivedPackets > 0, string.Join(' ', sample.Unavailable));
    }

    [Fact(Timeout = 60_000)]
    [Feature("MON-02")]
    [Feature("MON-03")]
    [Feature("MON-04")]
    public async Task The_host_has_live_counters_of_its_processors_load_memory_and_disks()
    {
        var sample = Assert.Single(await CollectAsync(booted.Backend.Get<IMetrics>().SampleNodesAsync(Token)));
        Assert.Equal(Environment.ProcessorCount, sample.Cpus);
        Assert.True(sample.CpuTime > TimeSpan.Zero);
        Assert.True(sample.LoadAverage1 >= 0 && sample.LoadAverage5 >= 0 && sample.LoadAverage15 >= 0);
        Assert.True(sample.MemoryTotal > sample.MemoryAvailable);
        Assert.True(sample.DiskReadBytes > 0 && sample.DiskWriteBytes > 0 && sample.DiskReadOperations > 0 && sample.DiskWriteOperations > 0);
    }

    [Fact(Timeout = 60_000)]
    [Feature("OPS-13")]
    public async Task The_only_node_is_this_host_by_its_own_name()
    {
        var node = Assert.Single(await CollectAsync(booted.Backend.Get<INodes>().ListAsync(Token)));
        Assert.Equal(Environment.MachineName, node.Name.ToString());
        Assert.Equal(Environment.ProcessorCount, node.Cpus);
        Assert.True(node.Memory > node.MemoryAvailable);
    }

    [Fact(Timeout = 60_000)]
    public async Task Networks_images_and_the_command_line_are_listed()
    {
        Assert.Contains(await CollectAsync(booted.Backend.Get<INetworks>().ListAsync(Token)), network => network.Name == "user");
        Assert.Contains(await CollectAsync(booted.Backend.Get<IImages>().ListAsync(Token)), image => image.Kind == "kernel" && image.Id == booted.Lab.Guest.KernelPath);
        var document = await booted.Backend.Get<INativeDocuments>().GetAsync(booted.Id, Token);
        string[] arguments = System.Text.Json.JsonSerializer.Deserialize<string[]>(document.Content.Span)!;
        Assert.Contains($"guest={booted.Id},debug-threads=on", arguments);
        // The name that a caller chose stands in no option; the kernel's command line is the caller's own.
        Assert.DoesNotContain(arguments, argument => argument.Contains("booted", StringComparison.Ordinal) && !argument.Contains("hostname=booted", StringComparison.Ordinal));
    }

    [Fact(Timeout = 60_000)]
    public async Task Capabilities_are_answered_for_the_machine_that_is_asked_about()
    {
        var target = new CapabilityTarget { Instance = booted.Id };
        Assert.Equal(CapabilitySupport.Yes, (await booted.Backend.QueryAsync(Capability.GraphicsConsole, target, Token)).Support);
        Assert.Equal(CapabilitySupport.Conditional, (await booted.Backend.QueryAsync(Capability.NetworkMetrics, target, Token)).Support);
        Assert.Equal(CapabilitySupport.Yes, (await booted.Backend.QueryAsync(Capability.SerialConsole, target, Token)).Support);
        var unknown = await booted.Backend.QueryAsync(Capability.Parse("time-travel"), target, Token);
        Assert.Equal(CapabilitySupport.No, unknown.Support);
        Assert.NotNull(unknown.Reason);
    }

    private static async Task<List<T>> CollectAsync<T>(IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (var item in items.WithCancellation(Token))
            list.Add(item);
        return list;
    }
}
