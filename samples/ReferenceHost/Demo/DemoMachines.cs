namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Two small machines from the guest image, each with a data disk. Made once; started when they do not run.</summary>
internal sealed class DemoMachines(IBackendRegistry backends, HostOptions options, ILogger<DemoMachines> log) : BackgroundService
{
    private static readonly string[] s_names = ["demo-1", "demo-2"];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(s_names.Select(name => StartAsync(name, stoppingToken)));

    private async Task StartAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var hypervisor = (await backends.GetAsync(BackendName.Parse("local"), cancellationToken)).Get<IHypervisor>();
            Instance? machine = null;
            await foreach (var found in hypervisor.List(new InstanceFilter { Name = name }).WithCancellation(cancellationToken))
                machine = found;
            machine ??= await hypervisor.CreateAsync(Spec(name), cancellationToken: cancellationToken).WaitForCompletionAsync(cancellationToken);
            await hypervisor.StartAsync(machine.Id, cancellationToken: cancellationToken).WaitForCompletionAsync(cancellationToken);
            // ./run waits for this line.
            log.LogInformation("The machine {Name} is running.", name);
        }
        catch (HypervisorException failure)
        {
            // The host serves all the same: the page shows what there is.
            log.LogError(failure, "The machine {Name} could not be started.", name);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The host ends while they boot: they go on without it.
        }
    }

    private VirtualMachineSpec Spec(string name) => new()
    {
        Name = InstanceName.Parse(name),
        Description = "A small Linux: a shell on the serial console and on the screen.",
        Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256)),
        Boot = new BootSource.Kernel(
            Path.Combine(options.Guest!, "vmlinuz"),
            Path.Combine(options.Guest!, "initrd"),
            $"console=tty0 console=ttyS0 quiet nokaslr tsc=reliable no_timer_check mitigations=off audit=0 hostname={name}"),
        Disks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(64)) } },
        Networks = { new NetworkSpec { Network = "user" } },
        Labels = { ["demo"] = "true" },
    };
}
