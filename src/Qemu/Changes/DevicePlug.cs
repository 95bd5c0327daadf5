using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>Gives devices to a running QEMU and takes them back. A device is gone when QEMU says so, which the guest decides: not when it was asked to.</summary>
[SupportedOSPlatform("linux")]
internal static class DevicePlug
{
    /// <summary>How long a guest may take to give a device up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(20);

    /// <summary>Plugs a disk in.</summary>
    public static async Task AddAsync(MachineChange change, DiskConfig disk, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        // What it is asked to boot from is for the next start to say: the places are counted anew then.
        string device = MachineArguments.DiskDevice(disk, change.Config, bus: null, bootIndex: null);
        await OpenFiles.AddDiskAsync(change, client, disk, cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"plug in {change.Id}/{disk.Id}", () => RunAsync(client, "device_add", device, cancellationToken)).ConfigureAwait(false);
        if (disk.Limits is not null)
            await DiskThrottle.ApplyAsync(change, disk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Plugs a network device in.</summary>
    public static async Task AddAsync(MachineChange change, NetworkConfig network, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        string device = MachineArguments.NetworkDevice(network, change.Config, bootIndex: null);
        await change.Root.EffectAsync($"open network in QEMU {change.Id}/{network.Id}", () => RunAsync(client, "netdev_add", MachineArguments.UserNetwork(network), cancellationToken)).ConfigureAwait(false);
        await change.Root.EffectAsync($"plug in {change.Id}/{network.Id}", () => RunAsync(client, "device_add", device, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Asks the guest to give a device up and waits until it has.</summary>
    /// <exception cref="HypervisorException">It did not within <see cref="Patience"/> (<see cref="ErrorCode.Timeout"/>), or said that it will not.</exception>
    public static async Task UnplugAsync(MachineChange change, string device, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        using var events = client.Subscribe(QmpEventName.DeviceDeleted, QmpEventName.DeviceUnplugGuestError, QmpEventName.AcpiDeviceOst);
        await change.Root.EffectAsync($"unplug {change.Id}/{device}", () => AskAsync(client, device, cancellationToken)).ConfigureAwait(false);
        change.Progress.Say($"waiting for the guest to give up {device}");
        using var patience = new CancellationTokenSource(Patience, change.Services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var live = await LiveDevices.QueryAsync(client, cancellationToken).ConfigureAwait(false);
            while (live.Devices.Contains(device))
            {
                var next = await events.ReadAsync(either.Token).ConfigureAwait(false);
                if (next is DeviceDeletedEvent deleted && deleted.Device == device)
                    return;
                if (RefusalOf(next, device) is { } why)
                    throw new HypervisorException($"The guest refuses to give up '{device}'{why}; the machine has it still.", ErrorCode.InvalidState, RequestOutcome.Rejected);
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new HypervisorException(
                $"The guest did not give up '{device}' within {Patience.TotalSeconds:0.#} s; nothing was deleted, and the machine has it still. It may give it up later: the request stands until the guest is reset. "
                + "A guest hears of it once its system runs; or stop the machine, and remove it then.",
                ErrorCode.Timeout, RequestOutcome.FailedMidway);
        }
    }

    /// <summary>
    /// Whether an event is the guest's refusal, and its words. Of memory and processors of a PC the guest says so by ACPI (specification 6.5, 6.3.5: _OST): of a request to eject (3, or 0x103 where the guest's own system began it), any
    /// status but success (0) and "in progress" (0x84).
    /// </summary>
    private static string? RefusalOf(QmpEvent next, string device) => next switch
    {
        DeviceUnplugGuestErrorEvent refused when refused.Device == device => "",
        AcpiDeviceOstEvent { Info: { Source: 3 or 0x103, Status: not (0 or 0x84) } said } when said.Device == device => string.Create(CultureInfo.InvariantCulture, $" (ACPI _OST status 0x{said.Status:x})"),
        _ => null,
    };

    /// <summary>Closes the block nodes of a disk, those that are open.</summary>
    public static async Task CloseDiskAsync(MachineChange change, DiskConfig disk, CancellationToken cancellationToken)
    {
        foreach (string node in disk.Backing.Select(below => below.Node).OfType<string>().Prepend(disk.NodeName))
            await CloseNodeAsync(change, node, cancellationToken).ConfigureAwait(false);
        string[] secrets = [.. disk.Passphrase is null ? (string[])[] : [BlockNode.PassphraseOf(disk.NodeName)], .. disk.Remote?.Secret is null ? (string[])[] : [BlockNode.LoginOf(disk)]];
        foreach (string secret in secrets)
            await DiskKeys.RemoveAsync(await change.MonitorAsync(cancellationToken).ConfigureAwait(false), secret, cancellationToken).ConfigureAwait(false);
    }

    private static async Task CloseNodeAsync(MachineChange change, string disk, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var live = await LiveDevices.QueryAsync(client, cancellationToken).ConfigureAwait(false);
        if (!live.Disks.ContainsKey(disk))
            return;
        await change.Root.EffectAsync($"close disk in QEMU {change.Id}/{disk}", () => CloseAsync(change, client, disk, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Closes the host's end of a network device, if it is there.</summary>
    public static async Task CloseNetworkAsync(MachineChange change, string network, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await change.Root.EffectAsync($"close network in QEMU {change.Id}/{network}", async () => await client.NetdevDelAsync(network, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound)
        {
            // It was closed before.
        }
    }

    private static async Task AskAsync(QmpClient client, string device, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeviceDelAsync(device, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound || (error.BackendMessage?.Contains("in the process of unplug", StringComparison.Ordinal) ?? false))
        {
            // The guest gave it up after an earlier request, or has that one still before it.
        }
    }

    /// <summary>A device that is gone from the bus lets go of its disk a moment later.</summary>
    private static async Task CloseAsync(MachineChange change, QmpClient client, string disk, CancellationToken cancellationToken)
    {
        long begin = change.Services.Time.GetTimestamp();
        using var timer = new PeriodicTimer(s_lookAgain, change.Services.Time);
        while (true)
        {
            try
            {
                await client.BlockdevDelAsync(disk, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (HypervisorException error) when ((error.BackendMessage?.EndsWith("is in use", StringComparison.Ordinal) ?? false) && change.Services.Time.GetElapsedTime(begin) < Patience)
            {
                await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async Task RunAsync(QmpClient client, string command, string arguments, CancellationToken cancellationToken) =>
        await client.ExecuteAsync(command, QapiAny.FromJson(arguments), cancellationToken).ConfigureAwait(false);
}
