using System.Diagnostics;
using Hypervisor.Sdk.Repository.Tests.Packages;

namespace Hypervisor.Sdk.Repository.Tests;

/// <summary>The scripts that everybody begins with.</summary>
public sealed class ScriptTests
{
    [Fact]
    [Peer("shellcheck")]
    public async Task Every_script_is_clean()
    {
        string checker = RealPeer.Program("shellcheck");
        string listed = await Tool.RunAsync("git", ["-c", $"safe.directory={Checkout.Root}", "ls-files"], Checkout.Root);
        var scripts = listed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(path => File.Exists(Checkout.PathOf(path)) && IsScript(Checkout.PathOf(path))).ToList();
        Assert.Contains("run", scripts);
        Assert.Contains("eng/guest/root/etc/rc", scripts);
        // SC2016 doubts every format in single quotes that another program expands: apt's, awk's.
        await Tool.RunAsync(checker, ["--external-sources", "--exclude=SC2016", .. scripts], Checkout.Root);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("test")]
    public async Task Without_the_SDK_the_script_says_what_to_install_and_how(string script)
    {
        using var machine = new TempDirectory();
        string programs = Directory.CreateDirectory(machine["bin"]).FullName;
        foreach (string name in new[] { "bash", "env", "dirname", "basename", "id", "realpath", "grep", "find", "cat" })
            File.CreateSymbolicLink(Path.Combine(programs, name), RealPeer.Program(name));

        var (code, said) = await FailAsync(script, [], programs, machine.Path);
        Assert.Equal(1, code);
        Assert.Contains("The .NET 10 SDK is missing", said, StringComparison.Ordinal);
        Assert.Contains("dotnet-install.sh | bash -s -- --channel 10.0", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run", "--nonsense", 2, "usage: ./run")]
    [InlineData("test", "--nonsense", 2, "usage: ./test")]
    [InlineData("test", "--jobs 0", 2, "--jobs needs a number from 1 to 99, and this is '0'")]
    [InlineData("test", "--jobs abc", 2, "--jobs needs a number from 1 to 99, and this is 'abc'")]
    [InlineData("test", "--jobs", 2, "--jobs needs a number from 1 to 99, and this is ''")]
    [InlineData("test", "Qemu Transport", 2, "One part at a time: 'Qemu' and 'Transport' are two.")]
    [InlineData("test", "Nonsense", 1, "There is no tests/Nonsense.Tests. The parts are:")]
    public async Task What_the_script_does_not_understand_it_refuses(string script, string arguments, int expectedCode, string message)
    {
        var (code, said) = await FailAsync(script, arguments.Split(' '), Environment.GetEnvironmentVariable("PATH")!, Path.GetTempPath());
        Assert.Equal(expectedCode, code);
        Assert.Contains(message, said, StringComparison.Ordinal);
    }

    [Fact]
    [Feature("QA-01")]
    [Feature("QA-19")]
    public async Task The_test_runner_has_a_part_with_tests_for_every_package()
    {
        var (_, said) = await FailAsync("test", ["Nonsense"], Environment.GetEnvironmentVariable("PATH")!, Path.GetTempPath());
        string[] parts = said[(said.LastIndexOf("The parts are:", StringComparison.Ordinal) + "The parts are:".Length)..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.All(ShippedProject.All, project =>
        {
            string part = Path.GetRelativePath(Checkout.PathOf("src"), project.Folder).Replace('/', '.');
            Assert.Contains(part, parts);
            var sources = Directory.EnumerateFiles(Checkout.PathOf("tests", part + ".Tests"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText);
            Assert.True(sources.Any(source => source.Contains("[Fact", StringComparison.Ordinal) || source.Contains("[Theory", StringComparison.Ordinal)), $"{project} has no test.");
        });

        var (code, help) = await FailAsync("test", ["--help"], Environment.GetEnvironmentVariable("PATH")!, Path.GetTempPath());
        Assert.Equal(0, code);
        Assert.All(new[] { "usage: ./test [part]", "--quick", "--full", "--jobs" }, word => Assert.Contains(word, help, StringComparison.Ordinal));
    }

    private static bool IsScript(string path)
    {
        using var reader = new StreamReader(path);
        return reader.ReadLine() is { } first
            && ((first.StartsWith("#!", StringComparison.Ordinal) && (first.EndsWith("bash", StringComparison.Ordinal) || first.EndsWith("/sh", StringComparison.Ordinal)))
                || first.StartsWith("# shellcheck shell=", StringComparison.Ordinal));
    }

    private static async Task<(int Code, string Said)> FailAsync(string script, string[] arguments, string path, string home)
    {
        var start = new ProcessStartInfo(RealPeer.Program("bash"), [Checkout.PathOf(script), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = home;
        using var process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await errors);
    }
}
