using Hypervisor.Sdk.Hosts.Tests.Lab;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Hosts.Tests;

/// <summary>Machines that move between hosts: this one and two others, each with its own sshd, whose programs know nothing of each other but what the application between them passes on.</summary>
[Peer("openssh")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
[Collection("programs of the second machine")]
public sealed class RemoteMigrationTests(MovingHosts hosts, SecondMachine second) : IClassFixture<MovingHosts>, IAsyncLifetime
{
    private const string Here = MovingHosts.Here, Rack1 = MovingHosts.Rack1, Rack2 = MovingHosts.Rack2;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);
    private static readonly MigrationOptions s_withStorage = new() { WithStorage = true, MaxDowntime = TimeSpan.FromSeconds(2) };

    /// <summary>So slow that it lasts until somebody ends it.</summary>
    private static readonly MigrationOptions s_slow = new() { MaxBandwidthPerSecond = ByteSize.FromKiB(8), MaxDowntime = TimeSpan.FromMilliseconds(1) };

    private readonly List<Instance> _machines = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await hosts.ConnectAsync(second, Token);

    public async ValueTask DisposeAsync()
    {
        foreach (var machine in _machines)
        {
            var there = hosts[await WhereAsync(machine)].Get<IHypervisor>();
            await there.DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
        }
    }

    [Fact(Timeout = 300_000)]
    [Feature("MIG-01")]
    public async Task A_machine_moves_with_its_disks_from_here_to_a_host_from_there_to_another_and_back()
    {
        var machine = await StartAsync(Here, "traveller", shared: false);
        foreach (var (from, to) in (IEnumerable<(string, string)>)[(Here, Rack1), (Rack1, Rack2), (Rack2, Here)])
        {
            var check = await hosts[from].Get<IMigration>().CheckAsync(machine.Id, To(to), Token);
            Assert.Empty(check.Obstacles);
            var moved = await hosts[from].Get<IMigration>().MigrateAsync(machine.Id, To(to), s_withStorage, null, Token).WaitForCompletionAsync(Token);
            Assert.Equal((PowerState.Running, machine.Incarnation), (moved.State, moved.Incarnation));
            Assert.Equal(to, await WhereAsync(machine));
        }
    }

    [Fact(Timeout = 300_000)]
    public async Task A_machine_on_storage_that_all_hosts_reach_moves_between_them()
    {
        var machine = await StartAsync(Here, "shared", shared: true);
        foreach (var (from, to) in (IEnumerable<(string, string)>)[(Here, Rack1), (Rack1, Here)])
        {
            await hosts[from].Get<IMigration>().MigrateAsync(machine.Id, To(to), new MigrationOptions { MaxDowntime = TimeSpan.FromSeconds(2) }, null, Token).WaitForCompletionAsync(Token);
            Assert.Equal(to, await WhereAsync(machine));
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(Rack1)]
    [InlineData(Rack2)]
    public async Task A_program_that_is_killed_while_memory_goes_over_leaves_the_guest_running_where_it_was(string killed)
    {
        var machine = await StartAsync(Rack1, "stays", shared: true);
        var move = await hosts[Rack1].Get<IMigration>().MigrateAsync(machine.Id, To(Rack2), s_slow, null, Token);
        await UnderWayAsync(move);
        hosts.KillProgram(killed);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => move.WaitAsync(Token));
        Assert.NotEqual(RequestOutcome.NotSent, error.Outcome);
        Assert.Equal(Rack1, await WhereAsync(machine));
    }

    [Theory(Timeout = 300_000)]
    [InlineData(Rack1)]
    [InlineData(Rack2)]
    public Task A_program_that_is_killed_at_the_end_of_a_move_leaves_the_guest_running_once(string killed) => KillAtEndAsync(Rack1, Rack2, killed);

    [Theory(Timeout = 300_000)]
    [InlineData(Here, Rack1)]
    [InlineData(Rack1, Here)]
    [Speed(SpeedAttribute.Full)]
    public Task A_program_that_is_killed_at_the_end_of_a_move_from_or_to_here_leaves_the_guest_running_once(string from, string to) => KillAtEndAsync(from, to, Rack1);

    private async Task KillAtEndAsync(string from, string to, string killed)
    {
        var machine = await StartAsync(from, "either", shared: false);
        var move = await hosts[from].Get<IMigration>().MigrateAsync(machine.Id, To(to), s_withStorage, null, Token);
        // From here on the guest stands still at both ends: the kill comes before the decision, in it, or after it.
        await ReachAsync(move, "taking over");
        hosts.KillProgram(killed);
        HypervisorException? error = null;
        try
        {
            await move.WaitAsync(Token);
        }
        catch (HypervisorException failure)
        {
            error = failure;
        }

        string where = await WhereAsync(machine);
        Assert.True(error is not null || where == to, "A move that was reported as done is done.");
    }

    private static MigrationTarget To(string name) => new() { Backend = BackendName.Parse(name) };

    private static async Task UnderWayAsync(Operation move) => await ReachAsync(move, "memory:");

    private static async Task ReachAsync(Operation move, string stage)
    {
        await foreach (var progress in move.WatchAsync(Token))
        {
            if (progress.Stage is { } reached && reached.StartsWith(stage, StringComparison.Ordinal))
                return;
        }
    }

    private async Task<Instance> StartAsync(string where, string name, bool shared)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        if (shared)
        {
            // /tmp is the one place that all have.
            await File.WriteAllBytesAsync(hosts.Shared, new byte[1 << 20], Token);
            File.SetUnixFileMode(hosts.Shared, (UnixFileMode)0b110_110_110);
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(hosts.Shared, "raw")) });
        }
        else
        {
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        }

        spec.Extensions.Set(new QemuMachine { Graphics = false });
        var machines = hosts[where].Get<IHypervisor>();
        var made = await machines.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        _machines.Add(made);
        return await machines.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
    }

    /// <summary>Waits until exactly one backend has the machine, its guest runs there, and there is one QEMU of it on all hosts together.</summary>
    private async Task<string> WhereAsync(Instance machine)
    {
        using var timer = new PeriodicTimer(s_look);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(120));
        string seen = "";
        while (true)
        {
            try
            {
                var found = new List<string>();
                seen = "";
                foreach (var (name, backend) in hosts.All)
                {
                    if (await backend.Get<IHypervisor>().FindAsync(machine.Id, patience.Token) is not { } instance)
                        continue;
                    seen += $"{name}: {instance.State} ";
                    found.Add(instance.State == PowerState.Running ? name : "");
                }

                int processes = MovingHosts.Processes(words => words.Contains("-uuid") && words.Contains(machine.Incarnation.ToString())).Count();
                seen += $"{processes} QEMUs";
                if (found is [{ Length: > 0 } where] && processes == 1)
                    return where;
            }
            catch (HypervisorException error) when (error.IsTransient || error.Outcome == RequestOutcome.Unknown)
            {
                // The next connection is being made.
                seen = error.Message;
            }

            try
            {
                await timer.WaitForNextTickAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!Token.IsCancellationRequested)
            {
                Assert.Fail($"The machine does not live once: {seen}");
            }
        }
    }
}
