using System.Text;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>The kit on the drivers of a real daemon.</summary>
[Peer("libvirt")]
public sealed class LibvirtConformanceTests(Libvirtd libvirtd, NewerLibvirtd newer)
{
    /// <summary>libvirt takes its time to see a machine's end: several runs wait for theirs at once.</summary>
    private const int Shares = 8;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 300_000)]
    public async Task The_libvirt_driver_keeps_the_contract_on_libvirts_test_driver()
    {
        // What test:///default holds is there as long as somebody is connected to it.
        await using var target = new LibvirtTarget(libvirtd, "libvirt 9.0 test", "hvconf-", "test:///default", await libvirtd.ConnectAsync("test:///default"));
        await PassesAsync([target], "3-libvirt-test");
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task The_libvirt_driver_keeps_the_contract_on_the_test_driver_of_libvirt_11()
    {
        await using var target = new LibvirtTarget(newer, "libvirt 11.3 test", "hvconf-", "test:///default", await newer.ConnectAsync("test:///default"));
        await PassesAsync([target], "3-libvirt-11-test");
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("CTR-01")]
    public async Task The_libvirt_driver_keeps_the_contract_on_real_containers()
    {
        string root = await libvirtd.ContainerRootAsync();
        // Makes the pool that volumes are made in.
        await using var qemu = await libvirtd.ConnectQemuAsync();
        var targets = new List<LibvirtTarget>();
        try
        {
            for (int i = 0; i < Shares; i++)
                targets.Add(new LxcLibvirtTarget(libvirtd, "libvirt 9.0 LXC", $"hvconf{i}-", root, await libvirtd.ConnectAsync("lxc:///")));
            await PassesAsync(targets, "3-libvirt-lxc");
        }
        finally
        {
            foreach (var target in targets)
                await target.DisposeAsync();
        }
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task The_libvirt_driver_keeps_the_contract_on_real_machines()
    {
        RealPeer.Program("qemu-system-x86_64");
        var targets = new List<LibvirtTarget>();
        try
        {
            for (int i = 0; i < Shares; i++)
                targets.Add(new QemuLibvirtTarget(libvirtd, "libvirt 9.0 QEMU", $"hvconf{i}-", await libvirtd.ConnectQemuAsync()));
            await PassesAsync(targets, null);
        }
        finally
        {
            foreach (var target in targets)
                await target.DisposeAsync();
        }
    }

    /// <summary>Each target runs its share of the checks; together they are one report.</summary>
    private static async Task PassesAsync(List<LibvirtTarget> targets, string? column)
    {
        var reports = await Task.WhenAll(targets.Select(async (target, share) =>
        {
            var own = ConformanceChecks.All.Where((_, index) => index % targets.Count == share).Select(check => check.Id).ToList();
            await using var runner = new CheckRunner(target, new ConformanceOptions { Only = own, Sequences = targets.Count == 1 ? 8 : 3 });
            return await runner.RunAsync(result => KitLog.Write(column ?? "libvirt-qemu", result), Token);
        }));
        var order = ConformanceChecks.All.Select((check, index) => (check.Id, index)).ToDictionary(check => check.Id, check => check.index);
        var report = new ConformanceReport
        {
            Target = reports[0].Target, Kind = reports[0].Kind, ServerVersion = reports[0].ServerVersion, Seed = reports[0].Seed, Results = [.. reports.SelectMany(part => part.Results).OrderBy(result => order[result.Id])],
        };
        if (column is not null)
            await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Repository.PathOf("artifacts", "conformance")).FullName, column + ".json"), report.ToJson() + "\n", Token);
        var text = new StringBuilder();
        foreach (var result in report.Results)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{result.Id} {result.Outcome} {result.Took.TotalSeconds:0.00} s {result.Message}");
            if (result.Outcome == CheckOutcome.Failed)
                text.AppendLine($"{result.Id} {result.Sentence}\n    {result.Message}");
        }

        Assert.Equal(ConformanceChecks.All.Count, report.Results.Count);
        Assert.True(report.IsConformant, $"{report.Target}: {report.Count(CheckOutcome.Failed)} of {report.Results.Count} checks failed.\n{text}");
        Assert.All(report.Results.Where(result => result.Outcome == CheckOutcome.Skipped), result => Assert.False(string.IsNullOrWhiteSpace(result.Message)));
    }
}
