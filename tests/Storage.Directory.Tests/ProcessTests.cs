using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

/// <summary>Several real processes on one directory, killed for real.</summary>
[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class ProcessTests : StorageTests
{
    private const string PoolVariable = "HVSDK_TEST_POOL";
    private const string StepPrefix = "step ";
    private const int Kills = 8;

    /// <summary>What the other processes do: this program, started with this test alone.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_killed()
    {
        string pool = Environment.GetEnvironmentVariable(PoolVariable) ?? throw new InvalidOperationException($"{PoolVariable} is not set.");
        var options = new DirectoryStorageOptions { QemuImg = RealPeer.Program("qemu-img") };
        options.Pools["images"] = pool;
        await using var storage = await DirectoryStorageBackend.OpenAsync(BackendName.Parse("store"), options, null, null, Cancellation);
        byte[] content = Content(1 << 20);
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        for (int round = 0; ; round++)
        {
            string name = $"p{Environment.ProcessId}-{round}";
            await output.WriteLineAsync($"{StepPrefix}{name} upload");
            var source = await UploadRawAsync(storage, name, content);
            await output.WriteLineAsync($"{StepPrefix}{name} clone");
            var clone = await storage.CloneAsync(source.Id, Spec(name + "-clone", ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);
            await output.WriteLineAsync($"{StepPrefix}{name} resize");
            await storage.ResizeAsync(clone.Id, Size, null, Cancellation).WaitForCompletionAsync(Cancellation);
            await output.WriteLineAsync($"{StepPrefix}{name} flatten");
            await storage.FlattenAsync(clone.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
            await output.WriteLineAsync($"{StepPrefix}{name} delete");
            await storage.DeleteAsync(source.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        }
    }

    [Fact(Timeout = 120_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task Processes_that_are_killed_leave_nothing_half_made_to_those_that_go_on()
    {
        await using var storage = await OpenAsync();
        using var survivor = StartPeer();
        var survivorSteps = StepsAsync(survivor, int.MaxValue);
        for (int kill = 0; kill < Kills; kill++)
        {
            using var victim = StartPeer();
            await StepsAsync(victim, 3 + kill);
            victim.Kill();
            await victim.WaitForExitAsync(Cancellation);

            // Somebody who is alive goes on at once, and finds the pool in order.
            await storage.CreateAsync(Spec($"after-{kill}"), null, Cancellation).WaitForCompletionAsync(Cancellation);
            await CheckAsync(storage);
        }

        Assert.False(survivor.HasExited);
        survivor.Kill();
        await survivor.WaitForExitAsync(Cancellation);
        Assert.True(await survivorSteps > 5);
        await using var next = await OpenAsync();
        await next.CreateAsync(Spec("last"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        await CheckAsync(next);
        Assert.Empty(Leftovers);
        Assert.Equal(Kills + 1, Files.Count(file => file.StartsWith("after-", StringComparison.Ordinal) || file == "last.qcow2"));
    }

    /// <summary>Every volume is whole: a source has all its bytes, a clone is of one size or the other.</summary>
    private async Task CheckAsync(DirectoryStorageBackend storage)
    {
        byte[] content = Content(1 << 20);
        foreach (var volume in await storage.ListVolumes(Pool).ToListAsync(Cancellation))
        {
            string path = Path.Combine(PoolPath, $"{volume.Name}.{volume.Format}");
            try
            {
                if (volume.Format == "raw")
                    Assert.Equal(content, await File.ReadAllBytesAsync(path, Cancellation));
                else
                    Assert.True(volume.Size == Size || volume.Size.Bytes == content.Length);
            }
            catch (FileNotFoundException)
            {
                // The survivor deleted it meanwhile.
            }
        }
    }

    /// <summary>Reads what the peer says, until it has said so many steps or has ended.</summary>
    private static async Task<int> StepsAsync(Process peer, int steps)
    {
        int seen = 0;
        while (seen < steps && await peer.StandardOutput.ReadLineAsync(Cancellation) is { } line)
            seen += line.StartsWith(StepPrefix, StringComparison.Ordinal) ? 1 : 0;
        return seen;
    }

    private Process StartPeer() => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(ProcessTests).FullName}.{nameof(Work_until_killed)}"])
    {
        RedirectStandardOutput = true,
        Environment = { [PoolVariable] = PoolPath },
    })!;
}
