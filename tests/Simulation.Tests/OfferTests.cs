using System.Reflection;
using Hypervisor.Sdk.Simulation.Faults;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>What there is, the simulation has: every feature of the contract, every kind of fault in the trace.</summary>
public sealed class OfferTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_feature_interface_and_the_compute_and_storage_roles_are_offered()
    {
        await using var dc = new SimulatedDatacenter();
        var features = Directory.GetFiles(Path.Combine(Repository.Root, "src", "Abstractions", "Features"), "I*.cs").Select(Path.GetFileNameWithoutExtension)
            .Select(name => typeof(IBackend).Assembly.GetType($"{typeof(IBackend).Namespace}.{name}")).OfType<Type>().Where(type => type.IsInterface).ToList();
        Assert.True(features.Count >= 22, $"Only {features.Count} features were found in the sources.");
        Type[] roles = [typeof(IHypervisor), typeof(IContainerRuntime), typeof(IStorageBackend), typeof(IStoragePools), typeof(IVolumeContent), typeof(IVolumeFlattening), typeof(IRequestLog), typeof(IOperations)];
        Assert.Empty(features.Concat(roles).Where(type => !IsOffered(dc.Backend, type)).Select(type => type.Name));
    }

    [Fact(Timeout = 60_000)]
    public async Task Every_kind_of_fault_leaves_its_line_in_the_trace()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddNode("a").AddNode("b"));
        var vm = await dc.MakeRunningAsync("struck");
        var gone = await dc.MakeAsync("gone");
        await dc.Hypervisor().DeleteAsync(gone.Id).WaitForCompletionAsync(Token);
        var faults = dc.Faults;
        var minute = TimeSpan.FromMinutes(1);
        ScheduledFault[] planned =
        [
            faults.Partition("b"), faults.Disconnect(), faults.FillPool("local"), faults.SlowPool("local", 2), faults.LimitPool("local", ByteSize.FromGiB(1)), faults.StepClock(minute), faults.SilenceAgent(vm.Id),
            faults.Deafen(vm.Id), faults.Lock(vm.Id), faults.ChangeBehind(vm.Id), faults.ReuseId(gone.Id), faults.Panic(vm.Id), faults.Kill(vm.Id), faults.Crash("a"),
        ];
        var now = dc.Clock.Elapsed;
        for (int i = 0; i < planned.Length; i++)
            planned[i].For(minute).At(now + ((i + 1) * minute));
        dc.Clock.Advance(TimeSpan.FromHours(1));
        // Those of calls, each with one call to befall.
        faults.Delay(SimulatedDuration.Exactly(minute)).On("find").Times(1);
        await dc.Hypervisor().FindAsync(vm.Id, Token);
        foreach (var fault in new Func<CallFault>[] { faults.LoseRequests, faults.LoseReplies, faults.ResetConnections, faults.RefuseLocks })
        {
            fault().Times(1);
            await Assert.ThrowsAnyAsync<HypervisorException>(() => dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token));
        }

        var kinds = typeof(FaultKind).GetFields().Select(kind => (string)kind.GetRawConstantValue()!);
        var traced = dc.Trace.Lines.Where(line => line.Kind == "fault").Select(line => line.Details.Split(' ')[0]).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(kinds.Except(traced));
    }

    private static bool IsOffered(IBackend backend, Type type)
    {
        object?[] arguments = [null];
        return (bool)typeof(IBackend).GetMethod(nameof(IBackend.TryGet))!.MakeGenericMethod(type).Invoke(backend, BindingFlags.DoNotWrapExceptions, null, arguments, null)! && type.IsInstanceOfType(arguments[0]);
    }
}
