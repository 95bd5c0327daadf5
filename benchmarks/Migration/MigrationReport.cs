using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Qemu;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Benchmarks.Migration;

/// <summary>Moving a machine between two backends, beside a script that does the least by QMP. Rounds of both alternate. Downtime is from QEMU's event STOP at the source to RESUME at the target, by QEMU's own time stamps.</summary>
internal static class MigrationReport
{
    public const string Command = "qemu-migration";

    private const int MemoryMiB = 256;

    /// <summary>qemu-migration [--repeats N] [--report FILE].</summary>
    [SupportedOSPlatform("linux")]
    public static async Task<int> RunAsync(string[] args)
    {
        Figures.Check(Command, args, "--repeats", "--report");
        int repeats = int.Parse(Figures.Option(args, "--repeats") ?? "9", CultureInfo.InvariantCulture);
        string directory = Path.Combine(Path.GetTempPath(), "hv-" + Guid.NewGuid().ToString("N")[..10]);
        Directory.CreateDirectory(directory);
        try
        {
            var rows = new Dictionary<string, List<(double Total, double Downtime)>> { ["script"] = [], ["sdk"] = [], ["sdk, 4 connections"] = [] };
            // The first round pays for the JIT and the page cache and is not counted.
            for (int round = 0; round <= repeats; round++)
            {
                foreach (var (name, samples) in rows)
                {
                    var sample = name == "script" ? await ScriptAsync(directory, round) : await SdkAsync(Path.Combine(directory, $"{samples.Count}-{name.Length}-{round}"), name == "sdk" ? 1 : 4);
                    if (round > 0)
                        samples.Add(sample);
                }
            }

            var text = new StringBuilder().AppendLine("# Moving a machine between two QEMUs").AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture, $"A machine with {MemoryMiB} MiB and a disk that both reach, whose BIOS finds nothing to boot, by TCG, both QEMUs on this host; {repeats} rounds in turn. Total is from the call to the guest running at the target, starting the QEMU there included; downtime is from QEMU's event STOP at the source to RESUME at the target. The script (`benchmarks/Migration/migration.py`) does the least that QMP asks for: no locks, no journal, nothing that survives its end, one directory for both. {Machine.Describe()}").AppendLine();
            text.AppendLine("Reproduce: `dotnet run -c Release --project benchmarks -- qemu-migration --report benchmarks/reports/qemu-migration.md`").AppendLine();
            text.AppendLine("| | total, median | from-to | downtime, median | from-to |").AppendLine("| --- | ---: | ---: | ---: | ---: |");
            foreach (var (name, samples) in rows)
                text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {Figures.Cells([.. samples.Select(sample => sample.Total)])} | {Figures.Cells([.. samples.Select(sample => sample.Downtime)])} |");
            await Figures.TellAsync(args, text.ToString());
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<(double Total, double Downtime)> ScriptAsync(string directory, int round)
    {
        string own = Directory.CreateDirectory(Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"script{round}"))).FullName;
        var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true };
        foreach (string argument in (string[])["benchmarks/Migration/migration.py", "qemu-system-x86_64", own, string.Create(CultureInfo.InvariantCulture, $"{MemoryMiB}"), "1"])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException("python3 cannot be started.");
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"The script ended with {process.ExitCode}; run it from the root of the repository.");
        double[] values = [.. output.Split(' ').Select(value => double.Parse(value, CultureInfo.InvariantCulture))];
        return (values[0], values[1]);
    }

    [SupportedOSPlatform("linux")]
    private static async Task<(double Total, double Downtime)> SdkAsync(string directory, int channels)
    {
        Directory.CreateDirectory(directory);
        QemuBackend? there = null;
        await using var here = await QemuBackend.ConnectAsync(Options("here", (_, _) => ValueTask.FromResult<IBackend>(there!)));
        await using (there = await QemuBackend.ConnectAsync(Options("there", null)))
        {
            var hypervisor = here.Get<IHypervisor>();
            var spec = new VirtualMachineSpec { Name = InstanceName.Parse("mover"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(MemoryMiB)) };
            string disk = Path.Combine(directory, "disk.raw");
            await File.WriteAllBytesAsync(disk, new byte[1 << 20]);
            // QEMU runs as another user when the benchmark is run by root.
            File.SetUnixFileMode(disk, (UnixFileMode)0b110_110_110);
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(disk, "raw")) });
            spec.Extensions.Set(new QemuMachine { Graphics = false });
            var machine = await hypervisor.CreateAsync(spec).WaitForCompletionAsync();
            await hypervisor.StartAsync(machine.Id).WaitForCompletionAsync();
            await Task.Delay(TimeSpan.FromSeconds(1));
            using var stopped = here.Table.Get(machine.Id.ToString()).Supervision!.Reads.Subscribe(QmpEventName.Stop);
            var resuming = ResumedAsync(there, machine.Id);
            long begin = Stopwatch.GetTimestamp();
            await here.Get<IMigration>().MigrateAsync(machine.Id, new MigrationTarget { Backend = BackendName.Parse("there") }).WaitForCompletionAsync();
            double total = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            var stop = await stopped.ReadAsync();
            var resume = await resuming;
            await there.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
            return (total, (resume.Timestamp!.Value - stop.Timestamp!.Value).TotalMilliseconds);
        }

        QemuOptions Options(string name, Func<BackendName, CancellationToken, ValueTask<IBackend>>? find) => new()
        {
            Name = name,
            StateDirectory = Path.Combine(directory, name),
            RuntimeDirectory = Path.Combine(directory, name[..1]),
            Accelerator = QemuAccelerator.Tcg,
            FindBackend = find,
            Migration = new QemuMigrationOptions { Channels = channels },
        };
    }

    /// <summary>Listens at the QEMU that waits, as soon as it is there.</summary>
    [SupportedOSPlatform("linux")]
    private static async Task<QmpEvent> ResumedAsync(QemuBackend there, InstanceId id)
    {
        while (true)
        {
            if (there.Table.Get(id.ToString()).Supervision is { } watched)
            {
                using var resumed = watched.Reads.Subscribe(QmpEventName.Resume);
                return await resumed.ReadAsync();
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2));
        }
    }
}
