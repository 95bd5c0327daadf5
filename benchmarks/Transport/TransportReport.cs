using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Hypervisor.Sdk.Benchmarks.Transport;

/// <summary>Asks the questions in a process pinned to one core, in one pinned that runs socket completions inline, and in one free to roam, and writes the report.</summary>
internal static class TransportReport
{
    public const string Command = "transport";
    public const string SectionCommand = "transport-section";

    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Writes the report to the path.</summary>
    public static async Task<int> RunAsync(string path)
    {
        await using var report = new StreamWriter(path);
        await report.WriteLineAsync($"""
            # Transport over a unix socket

            `dotnet run -c Release --project benchmarks -- {Command} <file>` writes this report. .NET {Environment.Version}, {RuntimeInformation.OSDescription},
            {RuntimeInformation.OSArchitecture}, {Environment.ProcessorCount} processors (virtual). The peer is an echo process with blocking calls; the ways are measured in turn, nine rounds, medians;
            allocation is the least of the rounds and counts all threads. Processor time is the client's process alone. Compare ratios, not
            microseconds, and processor time rather than waiting: the machine may be busy with other work.

            """);
        await SectionAsync(report, "Both ends on one core", ["taskset", "-c", "0"], inline: false);
        await SectionAsync(report, $"Both ends on one core, `{InlineCompletions}=1`", ["taskset", "-c", "0"], inline: true);
        await SectionAsync(report, "Unpinned", [], inline: false);
        return 0;
    }

    /// <summary>One section, in the process as it is.</summary>
    public static async Task<int> RunSectionAsync()
    {
        Console.WriteLine("One message of 64 bytes there and back:");
        Console.WriteLine();
        await UnixPingPong.RunAsync(Console.Out);
        Console.WriteLine("Lines of 61 bytes, 16 in flight:");
        Console.WriteLine();
        await PipelinedLines.RunAsync(Console.Out);
        return 0;
    }

    private static async Task SectionAsync(StreamWriter report, string title, string[] before, bool inline)
    {
        string[] command = [.. before, Environment.ProcessPath!, SectionCommand];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true };
        if (inline)
            start.Environment[InlineCompletions] = "1";
        using Process section = Process.Start(start)!;
        await report.WriteLineAsync($"## {title}\n");
        await report.WriteAsync(await section.StandardOutput.ReadToEndAsync());
        await section.WaitForExitAsync();
        if (section.ExitCode != 0)
            throw new InvalidOperationException($"The section '{title}' ended with code {section.ExitCode}.");
    }
}
