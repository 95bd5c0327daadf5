using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Benchmarks.Disks;

/// <summary>How fast disks are moved, mirrored to another host and read for a backup, beside qemu-img with the same bytes in the same round.</summary>
internal sealed class DisksReport(string directory, int mebibytes)
{
    public const string Command = "qemu-disks";

    private const int BufferBytes = 4 << 20;
    private const string Image = "source.raw";

    private string Images => Path.Combine(directory, "images");

    /// <summary>qemu-disks [--mib N] [--repeats N] [--report FILE].</summary>
    [SupportedOSPlatform("linux")]
    public static async Task<int> RunAsync(string[] args)
    {
        Figures.Check(Command, args, "--mib", "--repeats", "--report");
        int repeats = int.Parse(Figures.Option(args, "--repeats") ?? "7", CultureInfo.InvariantCulture);
        int mebibytes = int.Parse(Figures.Option(args, "--mib") ?? "1024", CultureInfo.InvariantCulture);
        string directory = Path.Combine(Path.GetTempPath(), "hv-" + Guid.NewGuid().ToString("N")[..10]);
        Directory.CreateDirectory(directory);
        try
        {
            var text = await new DisksReport(directory, mebibytes).MeasureAsync(repeats);
            await Figures.TellAsync(args, text.ToString());
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [SupportedOSPlatform("linux")]
    private async Task<StringBuilder> MeasureAsync(int repeats)
    {
        await FillAsync();
        var rows = new (string Name, string Peer, Func<Task<double>> Run)[]
        {
            ("`qemu-img convert` to qcow2", "", ConvertAsync),
            ("`IDiskMoving` under a running guest", "`qemu-img convert` to qcow2", MoveAsync),
            ("disks of a migration, through the controller", "`qemu-img convert` to qcow2", () => MigrateAsync(byTcp: false)),
            ("disks of a migration, by TCP", "`qemu-img convert` to qcow2", () => MigrateAsync(byTcp: true)),
        };
        var samples = rows.ToDictionary(static row => row.Name, static _ => new List<double>());
        var (reads, peerReads) = (new List<double>(), new List<double>());
        // The first round pays for the JIT and the page cache and is not counted.
        for (int round = 0; round <= repeats; round++)
        {
            foreach (var (name, _, run) in rows)
                Count(samples[name], round, await run());
            var (own, peer) = await BackupAsync();
            Count(reads, round, own);
            Count(peerReads, round, peer);
        }

        var text = new StringBuilder().AppendLine("# Disks that are copied").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"A disk of {mebibytes} MiB full of random bytes, in the page cache, of a machine by TCG whose BIOS finds nothing to boot; {repeats} rounds of all rows in turn. A ratio is of the medians, above 1 where ours is faster. {Machine.Describe()}").AppendLine();
        text.AppendLine("Reproduce: `dotnet run -c Release --project benchmarks -- qemu-disks --report benchmarks/reports/qemu-disks.md`").AppendLine();
        text.AppendLine("## Written anew").AppendLine();
        text.AppendLine("A move is from the call to the disk being in its new place, all of the driver's notes and QEMU's jobs included; the disks of a migration from the first to the last word of their copying. The peer copies the same file with `-t writeback`, which flushes at its end.").AppendLine();
        text.AppendLine("| | median | from-to | ratio |").AppendLine("| --- | ---: | ---: | ---: |");
        foreach (var (name, peer, _) in rows)
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {Cells(samples[name])} | {(peer.Length == 0 ? "" : Ratio(samples[name], samples[peer]))} |");
        text.AppendLine().AppendLine("## Read for a backup").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"All extents of a backup session, {BufferBytes >> 20} MiB a call, thrown away; the peer reads the same NBD export of the same session into `null-co`, with its own eight requests at once.").AppendLine();
        text.AppendLine("| | median | from-to | ratio |").AppendLine("| --- | ---: | ---: | ---: |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| `qemu-img convert` from NBD | {Cells(peerReads)} | |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| `IBackupSource` | {Cells(reads)} | {Ratio(reads, peerReads)} |");
        return text;

        static void Count(List<double> into, int round, double value)
        {
            if (round > 0)
                into.Add(value);
        }
    }

    /// <summary>Mebibytes a second of what took milliseconds.</summary>
    private string Cells(List<double> milliseconds) => Figures.Cells([.. milliseconds.Select(taken => mebibytes * 1000 / taken)], "MiB/s");

    private static string Ratio(List<double> own, List<double> peer) => (Figures.Median(peer) / Figures.Median(own)).ToString("0.00", CultureInfo.InvariantCulture);

    [SupportedOSPlatform("linux")]
    private async Task FillAsync()
    {
        Directory.CreateDirectory(Images);
        string path = Path.Combine(Images, Image);
        await using (var file = File.Create(path))
        {
            byte[] chunk = new byte[1 << 20];
            var random = new Random(1);
            for (int i = 0; i < mebibytes; i++)
            {
                random.NextBytes(chunk);
                await file.WriteAsync(chunk);
            }
        }

        // QEMU runs as another user when the benchmark is run by root.
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
    }

    private async Task<double> ConvertAsync()
    {
        string target = Path.Combine(directory, "peer.qcow2");
        double taken = await ToolAsync("convert", "-f", "raw", "-O", "qcow2", "-t", "writeback", Path.Combine(Images, Image), target);
        File.Delete(target);
        return taken;
    }

    [SupportedOSPlatform("linux")]
    private async Task<double> MoveAsync()
    {
        await using var backend = await QemuBackend.ConnectAsync(Options("here", null));
        var machine = await StartAsync(backend, new DiskContent.Attached(new VolumeAttachment.File(Path.Combine(Images, Image), "raw")));
        long begin = Stopwatch.GetTimestamp();
#pragma warning disable HVSDK004 // Its form may change with the second driver that has it.
        await backend.Get<IDiskMoving>().MoveAsync(machine.Id, DeviceId.Parse("disk0"), null).WaitForCompletionAsync();
#pragma warning restore HVSDK004
        double taken = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        await DeleteAsync(backend, machine);
        return taken;
    }

    [SupportedOSPlatform("linux")]
    private async Task<double> MigrateAsync(bool byTcp)
    {
        QemuBackend? there = null;
        await using var here = await QemuBackend.ConnectAsync(Options("here", (_, _) => ValueTask.FromResult<IBackend>(there!)));
        await using (there = await QemuBackend.ConnectAsync(Options("there", null, byTcp)))
        {
            var machine = await StartAsync(here, new DiskContent.FromImage(Image));
            var operation = await here.Get<IMigration>().MigrateAsync(machine.Id, new MigrationTarget { Backend = BackendName.Parse("there") }, new MigrationOptions { WithStorage = true });
            long begin = 0, end = 0;
            await foreach (var progress in operation.WatchAsync())
            {
                bool isDisks = progress.Stage?.StartsWith("disks:", StringComparison.Ordinal) ?? false;
                if (begin == 0 && isDisks)
                    begin = Stopwatch.GetTimestamp();
                if (begin > 0 && end == 0 && !isDisks)
                    end = Stopwatch.GetTimestamp();
            }

            await operation.WaitAsync();
            await DeleteAsync(there, machine);
            return Stopwatch.GetElapsedTime(begin, end).TotalMilliseconds;
        }
    }

    [SupportedOSPlatform("linux")]
    private async Task<(double Own, double Peer)> BackupAsync()
    {
        await using var backend = await QemuBackend.ConnectAsync(Options("here", null));
        var machine = await StartAsync(backend, new DiskContent.Attached(new VolumeAttachment.File(Path.Combine(Images, Image), "raw")));
        (double Own, double Peer) taken;
        await using (var session = await backend.Get<IBackupSource>().BeginAsync(machine.Id))
        {
            var disk = session.Disks[0];
            byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
            long begin = Stopwatch.GetTimestamp(), bytes = 0;
            await foreach (var extent in session.GetExtentsAsync(disk))
            {
                for (long at = 0; at < extent.Length && !extent.IsZero; at += BufferBytes)
                {
                    int length = (int)Math.Min(BufferBytes, extent.Length - at);
                    await session.ReadAsync(disk, extent.Offset + at, buffer.AsMemory(0, length));
                    bytes += length;
                }
            }

            taken.Own = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            ArrayPool<byte>.Shared.Return(buffer);
            if (bytes != (long)mebibytes << 20)
                throw new InvalidOperationException($"{bytes} bytes were read, not {mebibytes} MiB.");
            string socket = backend.Services.Runtime.SocketOf(machine.Id.ToString(), Hypervisor.Sdk.Qemu.Backups.BackupNodes.Socket);
            taken.Peer = await ToolAsync("convert", "-n", "--image-opts", $"driver=nbd,server.type=unix,server.path={socket},export={disk}", "--target-image-opts", string.Create(CultureInfo.InvariantCulture, $"driver=null-co,size={(long)mebibytes << 20}"));
        }

        await DeleteAsync(backend, machine);
        return taken;
    }

    [SupportedOSPlatform("linux")]
    private static async Task<Instance> StartAsync(QemuBackend backend, DiskContent content)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("disks"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        spec.Disks.Add(new DiskSpec { Content = content });
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        var machine = await backend.Get<IHypervisor>().CreateAsync(spec).WaitForCompletionAsync();
        return await backend.Get<IHypervisor>().StartAsync(machine.Id).WaitForCompletionAsync();
    }

    [SupportedOSPlatform("linux")]
    private static Task DeleteAsync(QemuBackend backend, Instance machine) => backend.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();

    private static async Task<double> ToolAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("qemu-img") { RedirectStandardOutput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        long begin = Stopwatch.GetTimestamp();
        using var process = Process.Start(start) ?? throw new InvalidOperationException("qemu-img cannot be started.");
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        double taken = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        return process.ExitCode == 0 ? taken : throw new InvalidOperationException($"qemu-img {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    [SupportedOSPlatform("linux")]
    private QemuOptions Options(string name, Func<BackendName, CancellationToken, ValueTask<IBackend>>? find, bool byTcp = false)
    {
        var options = new QemuOptions
        {
            Name = name,
            StateDirectory = Path.Combine(directory, name),
            RuntimeDirectory = Path.Combine(directory, name[..1]),
            Accelerator = QemuAccelerator.Tcg,
            FindBackend = find,
            Migration = new QemuMigrationOptions { Address = byTcp ? System.Net.IPAddress.Loopback : null },
        };
        options.ImageDirectories.Add(Images);
        return options;
    }
}
