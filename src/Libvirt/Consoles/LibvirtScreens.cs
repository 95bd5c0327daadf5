using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Hosts;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Xml;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt.Consoles;

/// <summary>The screens of domains: VNC or SPICE where the emulator listens at the daemon's host, and pictures taken by the daemon.</summary>
internal sealed class LibvirtScreens(LibvirtParts parts) : IGraphicsConsole
{
    /// <summary>A 4K screen as a portable pixmap has 25 MB; nothing larger is believed.</summary>
    private const int MaxPictureBytes = 64 << 20;

    public async Task<GraphicsSession> OpenAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        var facts = await RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        if (parts.IsTestDriver)
            throw Unsupported(facts, LibvirtCapabilities.NoTestGuests);
        // With what is secret in it: the viewer has to say the password.
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var live = DomainDocument.Parse(await libvirt.DomainGetXmlDescAsync(facts.Domain, LibvirtDomains.Secure, cancellationToken).ConfigureAwait(false));
        var screen = live.Screens.FirstOrDefault(one => one.Attribute("type")?.Value is "vnc" or "spice") ?? throw Unsupported(facts, "It has no screen that is shown over VNC or SPICE.");
        var password = screen.Attribute("passwd")?.Value is { Length: > 0 } text ? new Secret(Encoding.UTF8.GetBytes(text)) : null;
        var (connection, carrier) = await ConnectAsync(facts, PlaceOf(facts, screen), cancellationToken).ConfigureAwait(false);
        return new ScreenSession(connection, carrier, screen.Attribute("type")!.Value, password);
    }

    public async Task<NativeDocument> CaptureAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        var facts = await RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var picture = await libvirt.DomainScreenshotAsync(facts.Domain, 0, 0, cancellationToken).ConfigureAwait(false);
        await using (picture.ConfigureAwait(false))
        {
            using var content = new MemoryStream();
            byte[] buffer = new byte[64 * 1024];
            for (int bytes; (bytes = await picture.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                if (content.Length + bytes > MaxPictureBytes)
                    throw new BackendProtocolException($"The picture of the screen of '{facts.View.Name}' is larger than {MaxPictureBytes >> 20} MiB.", ErrorCode.Protocol, RequestOutcome.Rejected) { Backend = parts.Name };
                content.Write(buffer, 0, bytes);
            }

            await picture.FinishAsync(cancellationToken).ConfigureAwait(false);
            return new NativeDocument(picture.Result ?? "image/x-portable-pixmap", content.ToArray());
        }
    }

    /// <summary>Where the emulator listens, as it is called at the daemon's host.</summary>
    private static EndPoint PlaceOf(DomainFacts facts, System.Xml.Linq.XElement screen)
    {
        if ((screen.Attribute("socket") ?? screen.Element("listen")?.Attribute("socket"))?.Value is { } socket)
            return new UnixDomainSocketEndPoint(socket);
        if (!int.TryParse(screen.Attribute("port")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is < 1 or > 65535)
            throw Unsupported(facts, "Its screen is not listened for at any port without TLS.");
        string? address = (screen.Attribute("listen") ?? screen.Element("listen")?.Attribute("address"))?.Value;
        var ip = IPAddress.TryParse(address, out var parsed) ? parsed : IPAddress.Loopback;
        return new IPEndPoint(ip.Equals(IPAddress.Any) ? IPAddress.Loopback : ip.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : ip, port);
    }

    private async Task<(Connection Connection, IAsyncDisposable? Carrier)> ConnectAsync(DomainFacts facts, EndPoint place, CancellationToken cancellationToken)
    {
        try
        {
            if (parts.Uri.Transport == LibvirtTransport.Ssh && !OperatingSystem.IsWindows())
            {
                var host = await SshHostSession.ConnectAsync(parts.Uri.SshAddress, parts.Options.Connection.Ssh, cancellationToken).ConfigureAwait(false);
                return (await host.ConnectAsync(place, cancellationToken).ConfigureAwait(false), host);
            }

            if (place is UnixDomainSocketEndPoint socket && parts.Uri.Transport == LibvirtTransport.Unix)
                return (await Connection.ConnectUnixAsync(socket.ToString()!, cancellationToken: cancellationToken).ConfigureAwait(false), null);
            if (place is not IPEndPoint { Port: var port } at)
                throw Unsupported(facts, $"Its screen is at '{place}' of the daemon's host, which is reached from there or by ssh only.");
            if (parts.Uri.Transport == LibvirtTransport.Unix)
                return (await Connection.ConnectTcpAsync(at.Address.ToString(), port, cancellationToken: cancellationToken).ConfigureAwait(false), null);
            string remote = parts.Uri.Host!;
            bool isHere = remote is "localhost" || (IPAddress.TryParse(remote, out var there) && IPAddress.IsLoopback(there));
            if (IPAddress.IsLoopback(at.Address) && !isHere)
                throw Unsupported(facts, $"Its screen is listened for at {at} of the daemon's host only: connect to the daemon by ssh, which passes it on.");
            return (await Connection.ConnectTcpAsync(remote, port, cancellationToken: cancellationToken).ConfigureAwait(false), null);
        }
        catch (ConnectException error)
        {
            throw new BackendConnectionException($"The screen of '{facts.View.Name}' does not answer at {place}: {error.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, error) { Backend = parts.Name };
        }
    }

    private async Task<DomainFacts> RequireUpAsync(InstanceId id, CancellationToken cancellationToken)
    {
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        return facts.IsActive ? facts : throw Refusal.InvalidState(id, $"'{facts.View.Name}' is {facts.State} and has no screen now.");
    }

    private static HypervisorException Unsupported(DomainFacts facts, string why) => new($"The screen of '{facts.View.Name}' cannot be opened. {why}", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"instance {facts.Id}" };
}
