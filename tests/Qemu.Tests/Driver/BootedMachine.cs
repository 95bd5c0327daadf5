using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>One machine with a screen, a disk, a network and an agent, booted once for all tests of a class.</summary>
[SupportedOSPlatform("linux")]
public sealed class BootedMachine : IAsyncLifetime
{
    private QemuLab? _lab;

    internal QemuLab Lab => _lab!;

    internal QemuBackend Backend { get; private set; } = null!;

    internal Instance Machine { get; private set; } = null!;

    internal InstanceId Id => Machine.Id;

    public async ValueTask InitializeAsync()
    {
        _lab = await QemuLab.CreateAsync();
        Backend = await Lab.ConnectAsync();
        var hypervisor = Backend.Get<IHypervisor>();
        var spec = Lab.Spec("booted", spec =>
        {
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)) });
            spec.Networks.Add(new NetworkSpec { Network = "user" });
            spec.Extensions.Set(new QemuMachine { Graphics = true, SerialPorts = 2 });
        });
        Machine = await hypervisor.CreateAsync(spec).WaitForCompletionAsync();
        await hypervisor.StartAsync(Id).WaitForCompletionAsync();
        // The shell's prompt is the last thing that a boot prints.
        await Lab.WaitForGuestAsync(Backend, Id);
    }

    /// <summary>Reads from a console until a text has come.</summary>
    internal static async Task<string> ReadUntilAsync(ConsoleSession session, string text)
    {
        var seen = new StringBuilder();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(120));
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            var read = await session.Input.ReadAsync(patience.Token);
            seen.Append(Encoding.UTF8.GetString(read.Buffer));
            session.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }

        return seen.ToString();
    }

    internal static async Task TypeAsync(ConsoleSession session, string line)
    {
        await session.Output.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), TestContext.Current.CancellationToken);
        await session.Output.FlushAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_lab is not null)
            await _lab.DisposeAsync();
    }
}
