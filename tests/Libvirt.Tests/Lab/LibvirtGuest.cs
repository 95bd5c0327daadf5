using System.Buffers;
using System.Text;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>A machine of the lab's daemon in which the tests' small Linux runs, with its agent.</summary>
internal sealed class LibvirtGuest : IAsyncDisposable
{
    public const string Driver = "qemu+unix:///system";

    /// <summary>The tests whose guests have the processors to themselves: all at once, each of them waits for the others.</summary>
    public const string OneAtATime = "guests of libvirt";

    private bool _isBorrowed;

    private LibvirtGuest(LibvirtBackend backend, InstanceId id) => (Backend, Id) = (backend, id);

    public LibvirtBackend Backend { get; }

    public InstanceId Id { get; }

    public IHypervisor Hypervisor => Backend.Get<IHypervisor>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The QEMU driver of the daemon, with a pool for disks.</summary>
    public static async Task<LibvirtBackend> ConnectAsync(Libvirtd libvirtd)
    {
        await using var libvirt = await libvirtd.ConnectQemuAsync();
        return await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"{Driver}?socket={libvirtd.Socket}", DomainType = "qemu" }, Token);
    }

    /// <summary>What boots into the guest, with one disk of 64 MiB, which it keeps mounted at /data.</summary>
    public static async Task<VirtualMachineSpec> NewSpecAsync()
    {
        RealPeer.Program("qemu-system-x86_64");
        var image = await GuestImage.GetAsync(Token);
        return new VirtualMachineSpec
        {
            Name = InstanceName.Parse($"guest-{Guid.NewGuid():N}"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(160)), Boot = new BootSource.Kernel(image.KernelPath, image.InitrdPath, GuestImage.CommandLine + " hostname=inside"),
            Disks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(64)) } },
        };
    }

    /// <summary>Makes a machine, starts it, and waits until its agent answers.</summary>
    public static async Task<LibvirtGuest> BootAsync(Libvirtd libvirtd, Action<VirtualMachineSpec>? configure = null)
    {
        var spec = await NewSpecAsync();
        configure?.Invoke(spec);
        var backend = await ConnectAsync(libvirtd);
        var hypervisor = backend.Get<IHypervisor>();
        var guest = new LibvirtGuest(backend, (await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token)).Id);
        await hypervisor.StartAsync(guest.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        await guest.AnswersAsync();
        return guest;
    }

    /// <summary>The same machine after it has moved.</summary>
    public LibvirtGuest At(LibvirtBackend backend) => new(backend, Id) { _isBorrowed = true };

    /// <summary>Waits until the guest's agent answers.</summary>
    public async Task AnswersAsync()
    {
        var agent = Backend.Get<IGuestAgent>();
        while (true)
        {
            try
            {
                await agent.GetInfoAsync(Id, Token);
                return;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Unavailable)
            {
                // It is still booting: the test's own time-out bounds it.
                await Task.Yield();
            }
        }
    }

    /// <summary>What a command prints that must succeed.</summary>
    public async Task<string> RunAsync(params string[] command)
    {
        var result = await Backend.Get<ICommands>().RunAsync(Id, new CommandSpec { Command = command }, default, Token);
        Assert.True(result.IsSuccess, $"{string.Join(' ', command)}: {result.ExitCode} {Encoding.UTF8.GetString(result.Error.Span)}");
        return Encoding.UTF8.GetString(result.Output.Span).Trim();
    }

    /// <summary>Writes a file and has it on the disk.</summary>
    public async Task WriteAsync(string path, string content)
    {
        var written = await Backend.Get<ICommands>().RunAsync(Id, new CommandSpec { Command = ["tee", path] }, Encoding.UTF8.GetBytes(content), Token);
        Assert.True(written.IsSuccess);
        await RunAsync("sync");
    }

    public Task<Instance> ChangeAsync(InstanceChange change) => Hypervisor.ChangeAsync(Id, change, new ApplyOptions { Accept = (ChangeEffects)(-1) }, null, Token).WaitForCompletionAsync(Token);

    /// <summary>Reads until a text comes.</summary>
    public static async Task<string> ReadUntilAsync(ConsoleSession session, string expected)
    {
        while (true)
        {
            var read = await session.Input.ReadAsync(Token);
            string text = Encoding.UTF8.GetString(read.Buffer.ToArray());
            if (text.Contains(expected, StringComparison.Ordinal))
            {
                session.Input.AdvanceTo(read.Buffer.End);
                return text;
            }

            Assert.False(read.IsCompleted, $"The console ended before '{expected}': {text}");
            session.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (await Hypervisor.FindAsync(Id) is not null)
            await Hypervisor.DeleteAsync(Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync(CancellationToken.None);
        if (!_isBorrowed)
            await Backend.DisposeAsync();
    }
}
