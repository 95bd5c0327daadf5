using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Real processes, killed for real: what the crash points do in memory, with the kernel's own end of a process.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class KillTests
{
    private const string StateVariable = "HVSDK_TEST_STATE";
    private const string ImagesVariable = "HVSDK_TEST_IMAGES";
    private const string RuntimeVariable = "HVSDK_TEST_RUNTIME";
    private const int Kills = 50;

    /// <summary>More than a round of the work has, so that kills fall into all of it.</summary>
    private const int LastEffect = 110;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the victims do: this program, started with this test alone.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_killed()
    {
        string state = Environment.GetEnvironmentVariable(StateVariable) ?? throw new InvalidOperationException($"{StateVariable} is not set.");
        var options = new QemuOptions { StateDirectory = state, RuntimeDirectory = Environment.GetEnvironmentVariable(RuntimeVariable)!, Accelerator = QemuAccelerator.Tcg };
        options.ImageDirectories.Add(Environment.GetEnvironmentVariable(ImagesVariable)!);
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        await using var backend = await QemuBackend.ConnectAsync(options, new TellingSeam(output), Token);
        var hypervisor = backend.Get<IHypervisor>();
        for (int round = 0; ; round++)
        {
            var spec = QemuLab.EmptySpec($"victim{round}", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage("base.raw") }));
            var created = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
            await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
            await backend.Get<IPausing>().PauseAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
            await hypervisor.RestartAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
            await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
            await hypervisor.DeleteAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token);
        }
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task Fifty_processes_that_are_killed_at_work_leave_whole_machines_or_none()
    {
        await using var lab = await QemuLab.CreateAsync();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), new byte[1 << 20], Token);
        var first = await lab.ConnectAsync();
        var host = first.Services.Host;
        // A neighbour would look at what the victims leave, and this is about who comes after them.
        await lab.AbandonAsync(first);
        var random = new Random(20261121);
        int running = 0;
        int stopped = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            int effects = random.Next(1, LastEffect);
            using (var victim = StartVictim(lab))
            {
                int seen = 0;
                var words = new StringBuilder();
                while (seen < effects && await victim.StandardOutput.ReadLineAsync(Token) is { } line)
                {
                    seen += line.StartsWith(TellingSeam.Prefix, StringComparison.Ordinal) ? 1 : 0;
                    words.AppendLine(line);
                }

                victim.Kill();
                await victim.WaitForExitAsync(Token);
                Assert.True(effects == seen, $"The victim ended by itself after {seen} of {effects} effects, with {victim.ExitCode}:\n{words}");
                Assert.Equal(128 + 9, victim.ExitCode);
            }

            await using var next = await QemuBackend.ConnectAsync(lab.Options(), null, Token, host);
            await CrashPoints.AssertNothingOrphanedAsync(lab, next);
            var hypervisor = next.Get<IHypervisor>();
            await foreach (var instance in hypervisor.List())
            {
                Assert.True(instance.State == PowerState.Running || instance.State == PowerState.Stopped || instance.State == PowerState.Paused, $"{instance.State}: {instance.StateReason}");
                running += instance.State == PowerState.Stopped ? 0 : 1;
                stopped += instance.State == PowerState.Stopped ? 1 : 0;
                await hypervisor.DeleteAsync(instance.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{Kills} kills: {running} machines found up, {stopped} found stopped, {Kills - running - stopped} times none.");
        Assert.True(running > 0 && stopped > 0 && running + stopped < Kills, "The kills fell into all phases.");
    }

    private static Process StartVictim(QemuLab lab) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(KillTests).FullName}.{nameof(Work_until_killed)}"])
    {
        RedirectStandardOutput = true,
        Environment = { [StateVariable] = lab.StateDirectory, [ImagesVariable] = lab.Images, [RuntimeVariable] = lab["run"] },
    })!;
}
