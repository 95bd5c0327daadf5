using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Benchmarks.Density;

/// <summary>What a QEMU machine costs its controller: the time to make and start one, beside a script that does the least by QMP; many at once; the memory for each that runs; the time to list many that do not.</summary>
internal static class DensityReport
{
    public const string Command = "qemu-density";

    private const int Parallel = 20;
    private const int Stopped = 1000;

    /// <summary>qemu-density [--repeats N] [--report FILE].</summary>
    [SupportedOSPlatform("linux")]
    public static async Task<int> RunAsync(string[] args)
    {
        Figures.Check(Command, args, "--repeats", "--report");
        int repeats = int.Parse(Figures.Option(args, "--repeats") ?? "15", CultureInfo.InvariantCulture);
        string directory = Path.Combine(Path.GetTempPath(), "hv-" + Guid.NewGuid().ToString("N")[..10]);
        Directory.CreateDirectory(directory);
        try
        {
            var text = new StringBuilder().AppendLine("# What a QEMU machine costs its controller").AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture, $"Machines with 32 MiB and a disk whose BIOS finds nothing to boot, by TCG. {Machine.Describe()}").AppendLine();
            text.AppendLine("Reproduce: `dotnet run -c Release --project benchmarks -- qemu-density --report benchmarks/reports/qemu-density.md`").AppendLine();
            await using (var backend = await ConnectAsync(Path.Combine(directory, "one")))
                await OneAsync(backend, directory, repeats, text);
            await using (var backend = await ConnectAsync(Path.Combine(directory, "many")))
                await ManyAsync(backend, text);
            await StoppedAsync(Path.Combine(directory, "stopped"), text);
            await Figures.TellAsync(args, text.ToString());
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [SupportedOSPlatform("linux")]
    private static async Task OneAsync(QemuBackend backend, string directory, int repeats, StringBuilder text)
    {
        var (script, sdk) = (new List<double>(), new List<double>());
        // The first round pays for the JIT and the page cache and is not counted.
        for (int round = 0; round <= repeats; round++)
        {
            double peer = await ScriptAsync(directory, round);
            long begin = Stopwatch.GetTimestamp();
            var machine = await StartAsync(backend, $"one{round}");
            double own = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            await backend.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
            if (round == 0)
                continue;
            script.Add(peer);
            sdk.Add(own);
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"## One machine, from nothing to its guest running, {repeats} rounds in turn").AppendLine();
        text.AppendLine("The script (`benchmarks/Density/start.py`) makes a disk, starts QEMU, shakes hands and says `cont`: no lock, no journal, nothing flushed to the disk, nothing that survives its end.").AppendLine();
        text.AppendLine("| | median | from-to |").AppendLine("| --- | ---: | ---: |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| script | {Figures.Cells(script)} |").AppendLine(CultureInfo.InvariantCulture, $"| sdk | {Figures.Cells(sdk)} |").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Beyond the script: {Figures.Median(sdk) - Figures.Median(script):0} ms (bar: 150 ms).").AppendLine();
    }

    [SupportedOSPlatform("linux")]
    private static async Task ManyAsync(QemuBackend backend, StringBuilder text)
    {
        long before = Heap();
        long begin = Stopwatch.GetTimestamp();
        var machines = await Task.WhenAll(Enumerable.Range(0, Parallel).Select(number => StartAsync(backend, $"many{number}")));
        double taken = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        long perMachine = (Heap() - before) / Parallel;
        int running = 0;
        foreach (var machine in machines)
            running += (await backend.Get<IHypervisor>().GetAsync(machine.Id)).State == PowerState.Running ? 1 : 0;
        await Task.WhenAll(machines.Select(machine => backend.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync()));
        text.AppendLine(CultureInfo.InvariantCulture, $"## {Parallel} at once").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Made and started side by side: {running} of {Parallel} run after {taken:0} ms, {taken / Parallel:0} ms each. The controller's heap grew by {perMachine / 1024.0:0} KiB for each that runs (bar: 200 KB), measured after a full collection.").AppendLine();
    }

    [SupportedOSPlatform("linux")]
    private static async Task StoppedAsync(string directory, StringBuilder text)
    {
        await using (var maker = await ConnectAsync(directory))
        {
            for (int number = 0; number < Stopped; number++)
                await maker.Get<IHypervisor>().CreateAsync(Spec($"stopped{number}", withDisk: false)).WaitForCompletionAsync();
        }

        await using var backend = await ConnectAsync(directory);
        var samples = new List<double>();
        double first = 0;
        for (int round = 0; round < 9; round++)
        {
            long begin = Stopwatch.GetTimestamp();
            int count = 0;
            await foreach (var _ in backend.Get<IHypervisor>().List())
                count++;
            double taken = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            if (count != Stopped)
                throw new InvalidOperationException($"{count} of {Stopped} machines were listed.");
            if (round == 0)
                first = taken;
            else
                samples.Add(taken);
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"## {Stopped} that are switched off").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Listing all of them: {Figures.Median(samples):0.0} ms ({samples.Min():0.0}-{samples.Max():0.0}; bar: 50 ms), and {first:0} ms the first time after connecting, when each configuration is read.");
    }

    [SupportedOSPlatform("linux")]
    private static ValueTask<QemuBackend> ConnectAsync(string directory) => new(QemuBackend.ConnectAsync(new QemuOptions { StateDirectory = directory, RuntimeDirectory = directory + "-run", Accelerator = QemuAccelerator.Tcg }));

    [SupportedOSPlatform("linux")]
    private static async Task<Instance> StartAsync(QemuBackend backend, string name)
    {
        var hypervisor = backend.Get<IHypervisor>();
        var machine = await hypervisor.CreateAsync(Spec(name, withDisk: true)).WaitForCompletionAsync();
        return await hypervisor.StartAsync(machine.Id).WaitForCompletionAsync();
    }

    private static VirtualMachineSpec Spec(string name, bool withDisk)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        if (withDisk)
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        else
            spec.Networks.Add(new NetworkSpec { Network = "user" });
        if (!withDisk)
            spec.Boot = new BootSource.NetworkBoot();
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        return spec;
    }

    private static async Task<double> ScriptAsync(string directory, int round)
    {
        string own = Directory.CreateDirectory(Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"script{round}"))).FullName;
        var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true };
        foreach (string argument in (string[])["benchmarks/Density/start.py", own, "1"])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException("python3 cannot be started.");
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? double.Parse(output, CultureInfo.InvariantCulture) : throw new InvalidOperationException($"The script ended with {process.ExitCode}; run it from the root of the repository.");
    }

    private static long Heap()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
