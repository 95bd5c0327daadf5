using System.Diagnostics;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>The sample, run as its readers do.</summary>
[Peer("lxd")]
public sealed class LxdQuickStartTests(LxdLab lab)
{
    [Theory(Timeout = 180_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task The_sample_makes_a_container_and_uses_it_and_leaves_nothing(ServerKind kind)
    {
        var token = TestContext.Current.CancellationToken;
        var server = await lab.GetAsync(kind);
        var start = new ProcessStartInfo(Repository.PathOf("artifacts", "bin", "LxdQuickStart", "debug", "LxdQuickStart"), [server.Image, server.Socket]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        string name = $"quickstart-{process.Id}";
        var errors = process.StandardError.ReadToEndAsync(token);
        string said = await process.StandardOutput.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        Assert.True(process.ExitCode == 0, $"It ended with {process.ExitCode}: {said}{await errors}");
        Assert.Contains($"{(kind == ServerKind.Lxd ? "lxd 5.0.2" : "incus 6.0.4")}: {name} is running", said, StringComparison.Ordinal);
        Assert.Contains("cat ended with 0 and said: written from outside", said, StringComparison.Ordinal);
        Assert.Matches(@"127\.0\.0\.1:\d+ leads to its port 80", said);

        await using var client = await server.ConnectAsync();
        Assert.DoesNotContain((await client.InstancesGetRecursion1Async(cancellationToken: token)).Value, instance => instance.Name == name);
    }
}
