using System.Buffers;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Benchmarks.Qmp;

/// <summary>Events decoded from recorded bytes on one core: framing, parsing, name, time and data, without a socket.</summary>
internal static class EventBenchmark
{
    public const string Command = "qmp-events";

    private const int EventsPerBlock = 512;
    private const int Blocks = 400;
    private const int Rounds = 25;

    // As QEMU 7.2 writes them, in the mix of a machine that boots, works and is changed.
    private static readonly string[] s_recorded =
    [
        """{"timestamp": {"seconds": 1763689200, "microseconds": 123456}, "event": "RESUME"}""",
        """{"timestamp": {"seconds": 1763689201, "microseconds": 234567}, "event": "RTC_CHANGE", "data": {"offset": 0, "qom-path": "/machine/unattached/device[7]/rtc"}}""",
        """{"timestamp": {"seconds": 1763689202, "microseconds": 345678}, "event": "NIC_RX_FILTER_CHANGED", "data": {"name": "net0", "path": "/machine/peripheral/net0/virtio-backend"}}""",
        """{"timestamp": {"seconds": 1763689203, "microseconds": 456789}, "event": "JOB_STATUS_CHANGE", "data": {"status": "running", "id": "mirror0"}}""",
        """{"timestamp": {"seconds": 1763689204, "microseconds": 567890}, "event": "BLOCK_JOB_READY", "data": {"device": "mirror0", "len": 10737418240, "offset": 10737418240, "speed": 0, "type": "mirror"}}""",
        """{"timestamp": {"seconds": 1763689205, "microseconds": 678901}, "event": "DEVICE_DELETED", "data": {"device": "disk1", "path": "/machine/peripheral/disk1"}}""",
        """{"timestamp": {"seconds": 1763689206, "microseconds": 789012}, "event": "VSERPORT_CHANGE", "data": {"open": true, "id": "channel0"}}""",
        """{"timestamp": {"seconds": 1763689207, "microseconds": 890123}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}""",
    ];

    /// <summary>qmp-events [FILE]: prints the table and writes it to the file.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        byte[] block = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, EventsPerBlock).Select(i => s_recorded[i % s_recorded.Length] + "\r\n")));
        var report = new StringBuilder();
        report.AppendLine("# QMP events decoded from recorded bytes").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"{s_recorded.Length} recorded events in turn, {block.Length / EventsPerBlock} bytes each, one thread, no socket; {Rounds} rounds of {EventsPerBlock * Blocks} events by processor time. {Machine.Describe()}").AppendLine();
        report.AppendLine("Reproduce: `dotnet run -c Release --project benchmarks -- qmp-events benchmarks/reports/qmp-events.md`").AppendLine();
        report.AppendLine("| what | events/s per core, median | best round | bytes/event |").AppendLine("| --- | ---: | ---: | ---: |");
        foreach (var (name, subscribe, keep) in new (string, QmpEventName[]?, bool)[]
        {
            ("nobody subscribed: checked and dropped", null, false),
            ("a subscription to another event: checked, named, dropped", [QmpEventName.GuestPanicked], false),
            ("a subscription to all: made into objects, queued, read", [], true),
        })
        {
            report.AppendLine(await RowAsync(name, block, subscribe, keep));
        }

        Console.Write(report);
        if (args is [var file, ..])
            await File.WriteAllTextAsync(file, report.ToString().ReplaceLineEndings("\n"));
        return 0;
    }

    private static async Task<string> RowAsync(string name, byte[] block, QmpEventName[]? subscribe, bool keep)
    {
        await using var client = await QuietServer.ConnectAsync();
        using var subscription = subscribe is null ? null : client.Subscribe(EventsPerBlock, subscribe);
        return Measure(name, block, client.Session, keep ? subscription : null);
    }

    private static string Measure(string name, byte[] block, QmpSession session, QmpSubscription? keep)
    {
        var rates = new List<double>();
        long bytes = 0;
        for (int round = -5; round < Rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            double start = ProcessClock.Microseconds;
            for (int i = 0; i < Blocks; i++)
            {
                Decode(session, block);
                if (keep is not null && Drain(keep) != EventsPerBlock)
                    throw new InvalidOperationException("Events are missing.");
            }

            double us = ProcessClock.Microseconds - start;
            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            if (round >= 0)
                rates.Add(EventsPerBlock * Blocks / us * 1e6);
        }

        rates.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"| {name} | {rates[rates.Count / 2]:N0} | {rates[^1]:N0} | {(double)bytes / (Blocks * EventsPerBlock):0.#} |");
    }

    /// <summary>What the client's read loop does with the bytes of one read.</summary>
    private static void Decode(QmpSession session, byte[] block)
    {
        var buffer = new ReadOnlySequence<byte>(block);
        int lines = 0;
        for (; LineFraming.TryReadLine(ref buffer, 1 << 20, out var line); lines++)
            session.Receive(line.FirstSpan);
        if (lines != EventsPerBlock)
            throw new InvalidOperationException("Events are missing.");
    }

    private static int Drain(QmpSubscription subscription)
    {
        int count = 0;
        while (subscription.TryRead(out _))
            count++;
        return count;
    }
}
