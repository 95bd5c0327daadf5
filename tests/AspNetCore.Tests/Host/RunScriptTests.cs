using System.Diagnostics;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The script ./run around the host that is built: in a checkout of its own, so that it builds and installs nothing.</summary>
public sealed partial class RunScriptTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task Two_simulations_at_once_are_one_host_and_stop_ends_it()
    {
        using var directory = new TempDirectory();
        using var checkout = MakeCheckout();
        var first = Start(checkout, directory.Path, "--simulate", "--state", "a b");
        var second = Start(checkout, directory.Path, "--simulate", "--state", "a b");
        try
        {
            var address = await Task.WhenAll(AddressAsync(first), AddressAsync(second));
            Assert.Equal(address[0].Address, address[1].Address);
            string state = directory["a b/simulation"];
            Assert.Equal(address[0].Address, HostFile.ReadAddress(Path.Combine(state, "host.json")));
            Assert.All(address, said => Assert.Contains($"./run --token --state {directory.Path}/a\\ b/simulation", said.Hint, StringComparison.Ordinal));

            string before = await File.ReadAllTextAsync(Path.Combine(state, "host.log"), Token);
            Assert.Contains("simulated machines run", before, StringComparison.Ordinal);
            using var third = Start(checkout, directory.Path, "--simulate", "--state", "a b");
            Assert.Equal(address[0].Address, (await AddressAsync(third)).Address);
            await third.WaitForExitAsync(Token);
            Assert.Equal(0, third.ExitCode);
            Assert.StartsWith(before, await File.ReadAllTextAsync(Path.Combine(state, "host.log"), Token), StringComparison.Ordinal);

            using var stop = Start(checkout, directory["a b"], "--stop", "--state", ".");
            Assert.Contains("simulated host is told to end", await stop.StandardOutput.ReadToEndAsync(Token), StringComparison.Ordinal);
            await stop.WaitForExitAsync(Token);
            Assert.Equal(0, stop.ExitCode);
            await first.WaitForExitAsync(Token);
            await second.WaitForExitAsync(Token);
            Assert.False(File.Exists(Path.Combine(state, "host.json")));
        }
        finally
        {
            foreach (var process in new[] { first, second })
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
                process.Dispose();
            }
        }
    }

    [Fact(Timeout = 180_000)]
    public async Task A_simulation_runs_for_a_user_who_is_not_root_where_there_is_no_QEMU()
    {
        using var directory = new TempDirectory();
        using var programs = new TempDirectory();
        using var checkout = MakeCheckout();
        // Every program of this machine but QEMU's, and the host where that user can read it.
        foreach (string program in Environment.GetEnvironmentVariable("PATH")!.Split(':').Where(Directory.Exists).SelectMany(Directory.GetFiles))
        {
            if (!Path.GetFileName(program).StartsWith("qemu", StringComparison.Ordinal) && !File.Exists(programs[Path.GetFileName(program)]))
                File.CreateSymbolicLink(programs[Path.GetFileName(program)], program);
        }

        string assembly = typeof(HostOptions).Assembly.Location, copy = Directory.CreateDirectory(checkout["host"]).FullName;
        CopyPrograms(Path.GetDirectoryName(assembly)!, copy);
        WriteProgram(checkout["artifacts/bin/ReferenceHost/release/ReferenceHost"], $"exec dotnet '{Path.Combine(copy, Path.GetFileName(assembly))}' \"$@\"");
        File.SetUnixFileMode(programs.Path, (UnixFileMode)0b111_101_101);
        foreach (string owned in new[] { directory.Path, checkout.Path })
            await RunAsync("chown", "-R", "-h", Nobody, owned);

        using var run = StartAs(Nobody, programs.Path, checkout, directory.Path, "--simulate", "--state", "s");
        try
        {
            await AddressAsync(run);
            string? line;
            while ((line = await run.StandardOutput.ReadLineAsync(Token)) is not null && !line.Contains("simulated machines run", StringComparison.Ordinal))
                Assert.False(run.HasExited, await File.ReadAllTextAsync(directory["s/simulation/host.log"], Token));
            Assert.StartsWith("60 simulated machines run on 3 nodes.", line, StringComparison.Ordinal);
            using var stop = StartAs(Nobody, programs.Path, checkout, directory.Path, "--stop", "--state", "s");
            await stop.StandardOutput.ReadToEndAsync(Token);
            await stop.WaitForExitAsync(Token);
            await run.WaitForExitAsync(Token);
            Assert.Equal((0, 0), (stop.ExitCode, run.ExitCode));
        }
        finally
        {
            if (!run.HasExited)
                run.Kill(entireProcessTree: true);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_directory_of_somebody_elses_gets_no_log_and_no_host()
    {
        using var directory = new TempDirectory();
        using var checkout = MakeCheckout();
        await File.WriteAllTextAsync(directory["thesis.txt"], "years", Token);
        foreach (string[] words in new string[][] { ["--simulate"], ["--guest", "."], ["--stop"], ["--reset", "--yes"] })
        {
            using var run = Start(checkout, directory.Path, [.. words, "--state", "."]);
            var error = run.StandardError.ReadToEndAsync(Token);
            await run.StandardOutput.ReadToEndAsync(Token);
            await run.WaitForExitAsync(Token);
            Assert.True(run.ExitCode == 1, $"{words[0]}: {run.ExitCode}, {await error}");
            Assert.Contains(directory.Path, await error, StringComparison.Ordinal);
            Assert.Equal(["thesis.txt"], Directory.EnumerateFileSystemEntries(directory.Path).Select(Path.GetFileName));
        }
    }

    /// <summary>The address that a run prints, and the line after it that says how to get a new token.</summary>
    private static async Task<(string Address, string Hint)> AddressAsync(Process run)
    {
        string? address = null;
        while (await run.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            if (AddressPattern().Match(line) is { Success: true } match)
                address = match.Groups[1].Value;
            else if (address is not null && line.Contains("--token", StringComparison.Ordinal))
                return (address, line);
        }

        throw new InvalidOperationException($"No address: {await run.StandardError.ReadToEndAsync(Token)}");
    }

    /// <summary>What the script needs of a checkout: the host is the one that these tests were built with, and nothing is stale.</summary>
    private static TempDirectory MakeCheckout()
    {
        var root = new TempDirectory();
        foreach (string folder in new[] { "src", "samples/ReferenceHost", "eng", "artifacts/bin/ReferenceHost/release", "artifacts/run" })
            Directory.CreateDirectory(root[folder]);
        foreach (string file in new[] { "Directory.Build.props", "Directory.Packages.props", "global.json", "eng/run-packages.txt", "eng/page-packages.txt" })
            File.WriteAllText(root[file], "");
        File.Copy(Repository.PathOf("run"), root["run"]);
        File.Copy(Repository.PathOf("eng/setup.sh"), root["eng/setup.sh"]);
        WriteProgram(root["eng/build-page"], "exit 1");
        WriteProgram(root["artifacts/bin/ReferenceHost/release/ReferenceHost"], $"exec dotnet '{typeof(HostOptions).Assembly.Location}' \"$@\"");
        File.WriteAllText(root["artifacts/run/host"], "");
        return root;
    }

    /// <summary>A user who owns nothing; ourselves where only root could be another one.</summary>
    private static string Nobody => Environment.IsPrivilegedProcess ? "65534" : Environment.UserName;

    private static void CopyPrograms(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        // A browser that other tests drive is no part of the host, and large.
        foreach (string folder in Directory.GetDirectories(from).Where(folder => Path.GetFileName(folder) != ".playwright"))
            CopyPrograms(folder, Directory.CreateDirectory(Path.Combine(to, Path.GetFileName(folder))).FullName);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(RealPeer.Program(program), arguments))!;
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
    }

    private static Process StartAs(string user, string path, TempDirectory checkout, string from, params string[] words)
    {
        string[] script = [RealPeer.Program("bash"), checkout["run"], .. words];
        string[] command = Environment.IsPrivilegedProcess ? [RealPeer.Program("setpriv"), "--reuid", user, "--regid", user, "--clear-groups", .. script] : script;
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = from, RedirectStandardOutput = true, RedirectStandardInput = true };
        (start.Environment["PATH"], start.Environment["HOME"]) = (path, from);
        return Process.Start(start)!;
    }

    private static void WriteProgram(string path, string command)
    {
        File.WriteAllText(path, $"#!/usr/bin/env bash\n{command}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static Process Start(TempDirectory checkout, string from, params string[] words) => Process.Start(new ProcessStartInfo(RealPeer.Program("bash"), [checkout["run"], .. words])
    {
        WorkingDirectory = from,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
    })!;

    [GeneratedRegex(@"^  (http://127\.0\.0\.1:\d+)/#token=")]
    private static partial Regex AddressPattern();
}
