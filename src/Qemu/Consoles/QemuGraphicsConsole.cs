using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>The screen: VNC or SPICE on a unix socket in the machine's private directory, and pictures taken by QEMU itself.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuGraphicsConsole(QemuServices services, MachineTable machines) : IGraphicsConsole
{
    /// <summary>A 4K screen of noise is 33 MB as PNG; nothing larger is believed.</summary>
    private const int MaxPictureBytes = 64 << 20;

    private const int MaxPasswordBytes = 64;

    public async Task<GraphicsSession> OpenAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        var (machine, config, _) = await machines.RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        RequireScreen(config);
        try
        {
            var password = config.Machine.ScreenPassword ? ReadPassword(machine.Id, config.Name) : null;
            return new ScreenSession(await Connection.ConnectUnixAsync(services.Runtime.SocketOf(machine.Id, RuntimeDirectory.ScreenSocketOf(config.Machine)), cancellationToken: cancellationToken).ConfigureAwait(false), config.Machine.ScreenProtocol, password);
        }
        catch (ConnectException error)
        {
            throw new BackendConnectionException($"The screen of '{config.Name}' does not answer: {error.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, error) { Backend = services.Name };
        }
    }

    public async Task<NativeDocument> CaptureAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        var (machine, config, _) = await machines.RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        RequireScreen(config);
        // QEMU writes as its own user, who has no right but to the directory of its sockets; what is read back was made by somebody who is not trusted, so no link is followed.
        string name = $"screen-{Guid.NewGuid():N}.png";
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{MachineArguments.RuntimeDescriptor}/{name}");
        using var directory = RootedDirectory.Open(services.Runtime.Of(machine.Id));
        try
        {
            await machines.AskAsync(machine, config, async client =>
            {
                await client.ScreendumpAsync(path, format: Qapi.ImageFormat.Png, cancellationToken: cancellationToken).ConfigureAwait(false);
                return true;
            }, cancellationToken).ConfigureAwait(false);
            byte[] picture = directory.Read(name, MaxPictureBytes) ?? throw new BackendProtocolException($"QEMU says that it took a picture of '{config.Name}' and left none.", ErrorCode.Protocol, RequestOutcome.FailedMidway) { Backend = services.Name };
            return new NativeDocument("image/png", picture);
        }
        finally
        {
            directory.Delete(name);
        }
    }

    /// <summary>The password of this start. A machine that was given one while it runs has it from its next start.</summary>
    private Secret? ReadPassword(string id, string name)
    {
        using var directory = RootedDirectory.Open(services.Runtime.Of(id));
        try
        {
            return directory.Read(RuntimeDirectory.ScreenSecret, MaxPasswordBytes) is { Length: > 0 } password ? new Secret(password) : null;
        }
        catch (HypervisorException error)
        {
            throw new HypervisorException($"The password of the screen of '{name}' cannot be read: {error.Message}", error.Code, RequestOutcome.NotSent, error) { Backend = services.Name };
        }
    }

    private void RequireScreen(State.MachineConfig config)
    {
        if (!config.Machine.Graphics)
            throw new HypervisorException($"The machine '{config.Name}' was made without a screen ({nameof(QemuMachine)}.{nameof(QemuMachine.Graphics)}).", ErrorCode.Unsupported, RequestOutcome.Rejected) { Backend = services.Name };
    }
}
