using System.Diagnostics;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>A host with the two running machines of the demonstration.</summary>
public sealed class PageFixture : HostFixture
{
    /// <summary>Ends the process of a machine of this fixture's host, as somebody on the host might: the one whose arguments have the machine's id.</summary>
    internal static void KillMachine(string id)
    {
        using var process = Process.GetProcessById(PidOf(id));
        process.Kill();
    }

    /// <summary>Holds the process of a machine: whatever is asked of it waits until it is killed.</summary>
    internal static async Task HoldMachineAsync(string id)
    {
        using var kill = Process.Start("kill", ["-STOP", PidOf(id).ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, kill.ExitCode);
    }

    private static int PidOf(string id)
    {
        string name = $"guest={id},";
        return Directory.EnumerateDirectories("/proc").Select(directory => int.TryParse(Path.GetFileName(directory), out int number) ? number : 0).Single(number => number > 0 && Arguments(number).Contains(name, StringComparison.Ordinal));

        static string Arguments(int pid)
        {
            try
            {
                return File.ReadAllText($"/proc/{pid}/cmdline");
            }
            catch (IOException)
            {
                // It has ended since it was listed.
                return "";
            }
        }
    }

    internal override async Task<IServedHost> StartHostAsync(CancellationToken cancellationToken)
    {
        RealPeer.Program("qemu-system-x86_64");
        var guest = await GuestImage.GetAsync(cancellationToken);
        return await ReferenceHostProcess.StartAsync(cancellationToken, "--guest", guest.DirectoryPath, "--demo");
    }

    internal override Task ExpectReadyAsync(WatchedPage page) => Assertions.Expect(page.Machine("demo-1")).ToBeVisibleAsync(PagePatience.Visible);
}
