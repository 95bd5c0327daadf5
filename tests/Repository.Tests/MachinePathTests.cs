using System.Text.RegularExpressions;
using Hypervisor.Sdk.Repository.Tests.Packages;

namespace Hypervisor.Sdk.Repository.Tests;

/// <summary>No committed file names a place that only one machine has.</summary>
public sealed partial class MachinePathTests
{
    [Fact]
    public async Task No_file_names_a_path_of_one_machine()
    {
        string listed = await Tool.RunAsync("git", ["-c", $"safe.directory={Checkout.Root}", "ls-files"], Checkout.Root);
        var found = from path in listed.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    let full = Checkout.PathOf(path)
                    where File.Exists(full) && !IsBinary(full) && path != "tests/Repository.Tests/MachinePathTests.cs"
                    from line in File.ReadLines(full)
                    where MachinePath().IsMatch(line)
                    select $"{path}: {line.Trim()}";
        Assert.Empty(found);
    }

    [Theory]
    [InlineData("see /home/ann/notes")]
    [InlineData("\"/root/x\"")]
    [InlineData(@"C:\Users\ann")]
    [InlineData("-v /Users/ann/src:/src")]
    [InlineData("../shared/notes.md")]
    public void The_rule_refuses_a_path_of_one_machine(string line) => Assert.Matches(MachinePath(), line);

    [Theory]
    [InlineData("eng/guest/root/etc/rc")]
    [InlineData("/usr/bin/env bash")]
    [InlineData("~/.cache/hypervisor-sdk")]
    public void The_rule_lets_a_path_that_every_machine_has(string line) => Assert.DoesNotMatch(MachinePath(), line);

    [GeneratedRegex(@"(^|[^a-zA-Z0-9_.~})])/(home|root|Users|work|workspace|farm)/|[A-Z]:\\Users\\|\.\./shared")]
    private static partial Regex MachinePath();

    private static bool IsBinary(string path)
    {
        using var file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[4096];
        return start[..file.Read(start)].Contains((byte)0);
    }
}
