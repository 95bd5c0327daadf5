using System.CommandLine;
using System.Globalization;
using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Qemu;
using Spectre.Console;

namespace Hypervisor.Sdk.Conformance.Tool;

/// <summary>The command line: what is checked, how the results are shown, how it ends.</summary>
internal static class ConformanceCommand
{
    public const int Conformant = 0;
    public const int NotConformant = 1;
    public const int WrongUse = 2;
    public const int NotConnected = 3;
    public const int Stopped = 130;

    private const string Explanation = """
        Checks a driver of Hypervisor.Sdk against the contract of its interfaces, on a live endpoint.
        Touches only what has a name with its own prefix (hvconf-), and first removes what a run that was killed has left under it.
        Ends with 0 when every check passed or was skipped with a reason, 1 when one failed, 2 for wrong use, 3 when the endpoint cannot be connected, 130 when it was stopped.
        """;

    public static RootCommand Create(TextWriter output, TextWriter errors)
    {
        var driver = new Option<string>("--driver") { Description = "The driver: 'qemu', 'directory' or 'simulation'." };
        driver.AcceptOnlyFromAmong("qemu", "directory", "simulation");
        var endpoint = new Option<string>("--endpoint") { Description = "What to connect to. qemu: a state directory. directory: the directory of a pool. simulation: anything." };
        var kind = new Option<string>("--kind") { Description = "What instances the checks make: 'machine', or 'container' where the driver has them (simulation).", DefaultValueFactory = _ => "machine" };
        kind.AcceptOnlyFromAmong("machine", "container");
        var set = new Option<string[]>("--set") { Description = "A further setting of the driver, NAME=VALUE: qemu-system, qemu-img, firmware (directories with ':' between them), run-as-user, accelerator (kvm, tcg), runtime-directory, kernel, initrd, append (a guest with an agent, for --full); new-pools." };
        var only = new Option<string[]>("--only") { Description = "Only the checks whose ids begin so: LIFE, REQ-03." };
        var full = new Option<bool>("--full") { Description = "Also the checks that boot guests or move much data." };
        var seed = new Option<int>("--seed") { Description = "Which sequences are generated; a failure says its seed.", DefaultValueFactory = _ => 1 };
        var sequences = new Option<int>("--sequences") { Description = "How many sequences are generated.", DefaultValueFactory = _ => 8 };
        var steps = new Option<int>("--steps") { Description = "How many steps a sequence has.", DefaultValueFactory = _ => 12 };
        var sequence = new Option<string?>("--sequence") { Description = "One sequence as a failure printed it, instead of generated ones: 'create a; start a; delete a'." };
        var json = new Option<FileInfo?>("--json") { Description = "Writes the report as JSON to this file." };
        var markdown = new Option<FileInfo?>("--markdown") { Description = "Writes the report as Markdown to this file." };
        var list = new Option<bool>("--list") { Description = "Lists the checks, and runs none." };
        var matrix = new Option<FileInfo?>("--matrix") { Description = "Writes the feature matrix to this file, from the reports (JSON) in the directory that --from names, and runs no check." };
        var from = new Option<DirectoryInfo?>("--from") { Description = "The directory of reports for --matrix." };
        var check = new Option<bool>("--check") { Description = "With --matrix: writes nothing, and ends with 1 where the page would change." };
        var command = new RootCommand(Explanation) { driver, endpoint, kind, set, only, full, seed, sequences, steps, sequence, json, markdown, list, matrix, from, check };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(list))
                return List(output);
            if (parsed.GetValue(matrix) is { } page)
                return parsed.GetValue(from) is { } reports ? MatrixPage.Write(reports, page, parsed.GetValue(check), output, errors) : Wrong(errors, "--matrix needs --from DIRECTORY.");
            if (parsed.GetValue(driver) is not { } name || parsed.GetValue(endpoint) is not { } address)
                return Wrong(errors, "Say what to check: --driver and --endpoint. See --help.");
            var instances = parsed.GetValue(kind) == "container" ? InstanceKind.Container : InstanceKind.VirtualMachine;
            if (instances == InstanceKind.Container && name != "simulation")
                return Wrong(errors, $"The driver '{name}' runs no containers: leave --kind out.");
            var options = new ConformanceOptions
            {
                Only = parsed.GetValue(only) ?? [],
                IncludeLong = parsed.GetValue(full),
                Seed = parsed.GetValue(seed),
                Sequences = parsed.GetValue(sequences),
                SequenceSteps = parsed.GetValue(steps),
                Sequence = parsed.GetValue(sequence),
            };
            try
            {
                var settings = Settings.Parse(parsed.GetValue(set) ?? []);
                await using var target = await CreateAsync(name, instances, address, settings, cancellationToken);
                return await RunAsync(target, options, parsed.GetValue(json), parsed.GetValue(markdown), output, errors, cancellationToken);
            }
            catch (Exception error) when (error is ArgumentException or FormatException)
            {
                return Wrong(errors, error.Message);
            }
            catch (HypervisorException error)
            {
                await errors.WriteLineAsync($"{address} cannot be connected: {error.Message}");
                return NotConnected;
            }
            catch (OperationCanceledException)
            {
                await errors.WriteLineAsync("Stopped. What the checks had made is removed, or will be by the next run.");
                return Stopped;
            }
        });
        return command;
    }

    private static int Wrong(TextWriter errors, string problem)
    {
        errors.WriteLine(problem);
        return WrongUse;
    }

    private static int List(TextWriter output)
    {
        foreach (var check in ConformanceChecks.All)
            output.WriteLine($"{check.Id,-8} {(check.IsMandatory ? "mandatory" : "optional ")} {(check.IsLong ? "long" : "    ")} {check.Sentence}{(check.Needs.Count > 0 ? $" [{string.Join(", ", check.Needs.Select(need => need.Name))}]" : "")}");
        return Conformant;
    }

    private static async Task<ConformanceTarget> CreateAsync(string driver, InstanceKind kind, string address, Settings settings, CancellationToken cancellationToken)
    {
        if (driver == "directory")
        {
            var target = new DirectoryTarget(Path.GetFullPath(address), settings.Take("new-pools"));
            settings.RefuseRest();
            return target;
        }

        if (driver == "simulation")
        {
            settings.RefuseRest();
            return new SimulationTarget(kind);
        }

        string? kernel = settings.Take("kernel");
        string? initrd = settings.Take("initrd");
        string? append = settings.Take("append");
        var options = new Action<QemuOptions>[]
        {
            Setter("qemu-system", (qemu, value) => qemu.QemuSystem = value), Setter("qemu-img", (qemu, value) => qemu.QemuImg = value), Setter("run-as-user", (qemu, value) => qemu.RunAsUser = value),
            Setter("firmware", (qemu, value) => Array.ForEach(value.Split(':', StringSplitOptions.RemoveEmptyEntries), directory => qemu.FirmwareDirectories.Add(Path.GetFullPath(directory)))),
            Setter("runtime-directory", (qemu, value) => qemu.RuntimeDirectory = Path.GetFullPath(value)), Setter("accelerator", (qemu, value) => qemu.Accelerator = Enum.Parse<QemuAccelerator>(value, ignoreCase: true)),
        };
        settings.RefuseRest();
        return await QemuTarget.CreateAsync(
            () =>
            {
                var qemu = new QemuOptions { StateDirectory = Path.GetFullPath(address) };
                Array.ForEach(options, option => option(qemu));
                if (kernel is not null)
                    qemu.ImageDirectories.Add(Path.GetDirectoryName(Path.GetFullPath(kernel))!);
                return qemu;
            },
            kernel is null || initrd is null ? null : (Path.GetFullPath(kernel), Path.GetFullPath(initrd), append ?? "console=ttyS0"), cancellationToken);

        Action<QemuOptions> Setter(string name, Action<QemuOptions, string> setter) => settings.Take(name) is { } value ? qemu => setter(qemu, value) : _ => { };
    }

    private static async Task<int> RunAsync(ConformanceTarget target, ConformanceOptions options, FileInfo? json, FileInfo? markdown, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        await using var runner = new CheckRunner(target, options);
        int total = runner.Selected().Count();
        if (total == 0)
            return Wrong(errors, "No check has such an id. See --list.");
        int done = 0;
        var report = await runner.RunAsync(
            result =>
            {
                done++;
                if (result.Outcome == CheckOutcome.Failed)
                    errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{done}/{total}] {result.Id} failed: {result.Message}"));
            }, cancellationToken);
        Show(report, output);
        if (json is not null)
            await File.WriteAllTextAsync(json.FullName, report.ToJson() + "\n", cancellationToken);
        if (markdown is not null)
            await File.WriteAllTextAsync(markdown.FullName, report.ToMarkdown(), cancellationToken);
        return report.IsConformant ? Conformant : NotConformant;
    }

    private static void Show(ConformanceReport report, TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Interactive = InteractionSupport.No });
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("check", "", "what it tests");
        foreach (var result in report.Results)
        {
            string word = result.Outcome switch
            {
                CheckOutcome.Passed => "[green]passed[/]",
                CheckOutcome.Failed => "[red]failed[/]",
                _ => "[grey]skipped[/]",
            };
            table.AddRow(result.Id, word, Markup.Escape(result.Message is null ? result.Sentence : $"{result.Sentence}\n{result.Message}"));
        }

        console.Write(table);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Target}: {report.Count(CheckOutcome.Passed)} passed, {report.Count(CheckOutcome.Failed)} failed, {report.Count(CheckOutcome.Skipped)} skipped"));
    }
}
