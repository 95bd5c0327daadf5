using System.Diagnostics;
using Hypervisor.Sdk.Conformance.Tool;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>The program as somebody has it who installs the package: packed, installed from a feed that holds nothing else, and run by its command.</summary>
[Speed(SpeedAttribute.Slow)]
public sealed class PackedToolTests
{
    private const string Package = "Hypervisor.Sdk.Conformance.Tool";

    [Fact(Timeout = 300_000)]
    public async Task The_packed_program_is_installed_from_a_feed_and_checks_an_endpoint()
    {
        using var directory = new TempDirectory();
        // What was built with these tests is packed: nothing is built anew.
        await DotnetAsync(directory, "pack", Repository.PathOf("tools", "Conformance"), "--no-build", "-c", "Debug", "-o", directory["feed"], "-nologo", "-verbosity:quiet");
        string packed = Path.GetFileNameWithoutExtension(Assert.Single(Directory.EnumerateFiles(directory["feed"], "*.nupkg")));
        // That feed, and no other source that is configured here: whatever the program needs has to be in its package.
        await DotnetAsync(directory, "tool", "install", Package, "--tool-path", directory["tools"], "--source", directory["feed"], "--version", packed[(Package.Length + 1)..]);

        var (code, output) = await RunAsync(directory, directory["tools/hvsdk-conformance"], "--driver", "simulation", "--endpoint", "x", "--only", "CONN", "--json", directory["report.json"]);
        Assert.True(code == ConformanceCommand.Conformant, output);
        var report = ConformanceReport.Parse(await File.ReadAllTextAsync(directory["report.json"], TestContext.Current.CancellationToken));
        Assert.True(report.Count(CheckOutcome.Passed) > 2, output);
        Assert.Equal(0, report.Count(CheckOutcome.Failed));
    }

    private static async Task DotnetAsync(TempDirectory directory, params string[] arguments)
    {
        var (code, output) = await RunAsync(directory, "dotnet", arguments);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)} ended with {code}:\n{output}");
    }

    private static async Task<(int Code, string Output)> RunAsync(TempDirectory directory, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory.Path, RedirectStandardOutput = true, RedirectStandardError = true };
        // No build server may stay behind, and nothing that this user has unpacked before can be taken for what is in the package.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["NUGET_PACKAGES"] = directory["packages"];
        start.Environment["DOTNET_CLI_HOME"] = directory["home"];
        start.Environment["DOTNET_NOLOGO"] = "1";
        using var process = Process.Start(start)!;
        try
        {
            var token = TestContext.Current.CancellationToken;
            var errors = process.StandardError.ReadToEndAsync(token);
            string output = await process.StandardOutput.ReadToEndAsync(token);
            output += await errors;
            await process.WaitForExitAsync(token);
            return (process.ExitCode, output);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
