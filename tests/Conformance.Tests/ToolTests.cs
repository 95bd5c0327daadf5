using System.Diagnostics;
using Hypervisor.Sdk.Conformance.Tool;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>The program.</summary>
[Peer("qemu-img")]
public sealed class ToolTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Program => Repository.PathOf("artifacts", "bin", "Hypervisor.Sdk.Conformance.Tool", "debug", "hvsdk-conformance");

    [Fact(Timeout = 120_000)]
    public async Task It_checks_an_endpoint_and_writes_a_table_JSON_and_Markdown()
    {
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        string pool = Directory.CreateDirectory(directory["pool"]).FullName;
        var (code, output, errors) = await RunAsync("--driver", "directory", "--endpoint", pool, "--only", "STOR-0", "--only", "CONN", "--json", directory["report.json"], "--markdown", directory["report.md"]);
        Assert.Equal((ConformanceCommand.Conformant, ""), (code, errors));
        Assert.Contains("STOR-02", output, StringComparison.Ordinal);
        Assert.Contains("directory storage: 12 passed, 0 failed, 1 skipped", output, StringComparison.Ordinal);
        var report = ConformanceReport.Parse(await File.ReadAllTextAsync(directory["report.json"], Token));
        Assert.Equal(("directory", 12), (report.Kind, report.Count(CheckOutcome.Passed)));
        Assert.Contains("| STOR-02 | A created volume is what was asked for", await File.ReadAllTextAsync(directory["report.md"], Token), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(pool), file => !Path.GetFileName(file).StartsWith('.'));
    }

    [Fact(Timeout = 60_000)]
    public async Task It_says_what_it_can_and_how_it_ends()
    {
        Assert.Contains("--sequence", (await RunAsync("--help")).Output, StringComparison.Ordinal);
        var (code, list, _) = await RunAsync("--list");
        Assert.Equal((0, ConformanceChecks.All.Count), (code, list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        Assert.Equal(ConformanceCommand.WrongUse, (await RunAsync("--driver", "pigeon", "--endpoint", "x")).Code);
        Assert.Equal(ConformanceCommand.WrongUse, (await RunAsync("--driver", "simulation")).Code);
        Assert.Equal(ConformanceCommand.WrongUse, (await RunAsync("--driver", "simulation", "--endpoint", "x", "--set", "speed=11")).Code);
        Assert.Equal(ConformanceCommand.WrongUse, (await RunAsync("--driver", "simulation", "--endpoint", "x", "--only", "NONE-01")).Code);
        Assert.Equal(ConformanceCommand.WrongUse, (await RunAsync("--driver", "directory", "--endpoint", "x", "--kind", "container")).Code);
        var containers = await RunAsync("--driver", "simulation", "--endpoint", "x", "--kind", "container", "--only", "CAP-1");
        Assert.Equal(ConformanceCommand.Conformant, containers.Code);
        Assert.Contains("simulation, containers: ", containers.Output, StringComparison.Ordinal);
        Assert.Equal(ConformanceCommand.WrongUse, (await RunAsync("--driver", "simulation", "--endpoint", "x", "--only", "MODEL", "--sequence", "fly a")).Code);
        using var directory = new TempDirectory();
        Assert.Equal(ConformanceCommand.NotConnected, (await RunAsync("--driver", "directory", "--endpoint", directory["nowhere"])).Code);
    }

    [Feature("QA-18")]
    [Fact(Timeout = 120_000)]
    public async Task What_a_killed_run_left_is_removed_by_the_next_and_nothing_else()
    {
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        string pool = Directory.CreateDirectory(directory["pool"]).FullName;
        await File.WriteAllBytesAsync(Path.Combine(pool, "theirs.raw"), new byte[1 << 20], Token);
        using (var killed = Start("--driver", "directory", "--endpoint", pool, "--only", "STOR-07"))
        {
            // Killed as soon as it has made something.
            using var watch = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
            while (!killed.HasExited && !Directory.EnumerateFiles(pool, "hvconf-*").Any())
                await watch.WaitForNextTickAsync(Token);
            killed.Kill();
            await killed.WaitForExitAsync(Token);
        }

        Assert.Equal(ConformanceCommand.Conformant, (await RunAsync("--driver", "directory", "--endpoint", pool, "--only", "STOR-01")).Code);
        Assert.Equal(["theirs.raw"], Directory.EnumerateFiles(pool).Select(file => Path.GetFileName(file)).Where(name => !name.StartsWith('.')));
    }

    [Fact(Timeout = 240_000)]
    public async Task What_a_killed_run_left_where_machines_move_to_is_removed_by_the_next()
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        string beside = directory["hvconf-state"];
        string[] endpoint = ["--driver", "qemu", "--endpoint", directory["state"], "--set", "runtime-directory=" + directory["run"], "--set", "accelerator=tcg"];
        using (var killed = Start([.. endpoint, "--only", ConformanceChecks.All.Single(check => check.Sentence.Contains("'live-migration'", StringComparison.Ordinal)).Id]))
        {
            // Killed as soon as a machine has come there, or begun to.
            using var watch = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
            while (!killed.HasExited && !(Directory.Exists(Path.Combine(beside, "there", "vms")) && Directory.EnumerateFileSystemEntries(Path.Combine(beside, "there", "vms")).Any()))
                await watch.WaitForNextTickAsync(Token);
            killed.Kill();
            await killed.WaitForExitAsync(Token);
        }

        Assert.True(Directory.Exists(beside));
        Assert.Equal((ConformanceCommand.Conformant, ""), (await RunAsync([.. endpoint, "--only", "CONN"])) is var (code, _, errors) ? (code, errors) : default);
        Assert.False(Directory.Exists(beside));
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory["state/vms"]));
        Assert.DoesNotContain(Process.GetProcessesByName("qemu-system-x86_64"), process => CommandLineOf(process).Contains(directory.Path, StringComparison.Ordinal));

        static string CommandLineOf(Process process)
        {
            try
            {
                return File.ReadAllText($"/proc/{process.Id}/cmdline");
            }
            catch (IOException)
            {
                // It has ended since.
                return "";
            }
        }
    }

    [Fact]
    public void A_matrix_that_is_not_what_the_reports_say_is_found()
    {
        using var directory = new TempDirectory();
        var report = new ConformanceReport { Target = "toy", Kind = "toy", ServerVersion = "1", Results = [new CheckResult { Id = "CONN-02", Sentence = "s", IsMandatory = true, Outcome = CheckOutcome.Passed }, new CheckResult { Id = "CONN-03", Sentence = "s", IsMandatory = true, Outcome = CheckOutcome.Skipped, Message = "It is alone." }] };
        Directory.CreateDirectory(directory["reports"]);
        File.WriteAllText(Path.Combine(directory["reports"], "1.json"), report.ToJson());
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int Write(bool check) => MatrixPage.Write(new DirectoryInfo(directory["reports"]), new FileInfo(directory["matrix.md"]), check, output, errors);

        Assert.Equal(ConformanceCommand.NotConformant, Write(check: true));
        Assert.False(File.Exists(directory["matrix.md"]));
        Assert.Equal(ConformanceCommand.Conformant, Write(check: false));
        string page = File.ReadAllText(directory["matrix.md"]);
        Assert.Contains("| CONN-02 | A health check of a backend that answers says so, and how long it took. | yes |\n", page, StringComparison.Ordinal);
        Assert.Contains("| CONN-03 | What one client makes, another client of the same backend finds. | 1 |\n", page, StringComparison.Ordinal);
        Assert.Contains("\n1. It is alone.\n", page, StringComparison.Ordinal);
        Assert.Equal(ConformanceCommand.Conformant, Write(check: true));
        File.WriteAllText(directory["matrix.md"], page.Replace("| yes |", "| **no** 1 |", StringComparison.Ordinal));
        Assert.Equal(ConformanceCommand.NotConformant, Write(check: true));
        Assert.Contains("CONN-02", errors.ToString(), StringComparison.Ordinal);
    }

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var errors = process.StandardError.ReadToEndAsync(Token);
        string output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, output, await errors);
    }
}
