namespace Hypervisor.Sdk.Libvirt.Tests;

public sealed class LibvirtUriTests
{
    [Theory]
    [InlineData("qemu:///system", "qemu", LibvirtTransport.Unix, null, 0, "qemu:///system")]
    [InlineData("test+unix:///default", "test", LibvirtTransport.Unix, null, 0, "test:///default")]
    [InlineData("lxc:///", "lxc", LibvirtTransport.Unix, null, 0, "lxc:///")]
    [InlineData("qemu+tcp://host1/system", "qemu", LibvirtTransport.Tcp, "host1", 16509, "qemu:///system")]
    [InlineData("qemu+tls://host1/system?pkipath=/etc/pki/a", "qemu", LibvirtTransport.Tls, "host1", 16514, "qemu:///system")]
    [InlineData("qemu://host1:7000/system", "qemu", LibvirtTransport.Tls, "host1", 7000, "qemu:///system")]
    [InlineData("qemu+ssh://root@host1/system", "qemu", LibvirtTransport.Ssh, "host1", 0, "qemu:///system")]
    [InlineData("test+ssh://host1:2222/default?socket=/tmp/x", "test", LibvirtTransport.Ssh, "host1", 2222, "test:///default")]
    [InlineData("qemu+tcp://[::1]/session", "qemu", LibvirtTransport.Tcp, "::1", 16509, "qemu:///session")]
    [InlineData("test+unix:///default?socket=/tmp/a%20b&name=test%3A%2F%2F%2Fother", "test", LibvirtTransport.Unix, null, 0, "test:///other")]
    public void An_address_is_read_as_libvirt_writes_it(string text, string driver, LibvirtTransport transport, string? host, int port, string name)
    {
        var uri = new LibvirtUri(text);
        Assert.Equal((driver, transport, host, port, name), (uri.Driver, uri.Transport, uri.Host, uri.Port, uri.Name));
        Assert.Equal(text, uri.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("qemu")]
    [InlineData("/system")]
    [InlineData("qemu+carrier-pigeon://host/system", "carrier-pigeon")]
    [InlineData("qemu+ssh://user@host/session", "ssh")]
    [InlineData("qemu+ssh://user:secret@host/system", "ssh")]
    [InlineData("qemu+carrier-pigeon://user:secret@host/system?password=secret", "carrier-pigeon")]
    [InlineData("qemu+ssh://-oProxyCommand=id/system")]
    [InlineData("qemu+ssh:///system")]
    [InlineData("qemu+ssh://host/system?command=/bin/sh", "command")]
    [InlineData("qemu+ext:///system?command=/bin/sh", "ext")]
    [InlineData("qemu+tls+tcp://host/system")]
    [InlineData("qemu+tcp:///system")]
    [InlineData("qemu+unix://host/system")]
    [InlineData("qemu+tls://user:secret@host/system")]
    [InlineData("qemu+tls://host/system?no_verify=1", "no_verify")]
    [InlineData("qemu+tls://host/system?pki_path=/x", "pki_path")]
    [InlineData("qemu+tls://host/system?pkipath=/x&pkipath=/y", "pkipath")]
    [InlineData("qemu+tcp://host/system?pkipath=/x", "pkipath")]
    [InlineData("qemu:///system?mode=sideways", "mode")]
    [InlineData("qemu:///system?socket=", "socket")]
    [InlineData("qemu:///system#part")]
    public void An_address_that_is_none_or_asks_for_what_is_not_there_is_refused_by_name(string text, string named = "")
    {
        var error = Assert.Throws<FormatException>(() => new LibvirtUri(text));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.False(LibvirtUri.TryParse(text, out _));
    }

    [Fact]
    public void Of_another_machine_the_drivers_own_daemon_is_tried_first_and_the_user_is_not_part_of_the_endpoint()
    {
        var uri = new LibvirtUri("qemu+ssh://root@host1:22/system");
        Assert.Equal(("root", "ssh://root@host1:22"), (uri.User, uri.SshAddress.ToString()));
        Assert.Equal(["/var/run/libvirt/virtqemud-sock", "/var/run/libvirt/libvirt-sock"], uri.RemoteSocketPaths(isReadOnly: false));
        Assert.Equal(["/tmp/x"], new LibvirtUri("qemu+ssh://host1/system?socket=/tmp/x").RemoteSocketPaths(isReadOnly: true));
        Assert.Equal("", uri.Endpoint.UserInfo);
    }

    [Fact]
    public void The_socket_is_the_one_that_libvirts_own_client_takes()
    {
        Assert.Equal("/tmp/x", new LibvirtUri("qemu:///system?socket=/tmp/x").SocketPath(isReadOnly: false));
        Assert.Equal("/var/run/libvirt/libvirt-sock", new LibvirtUri("qemu:///system?mode=legacy").SocketPath(isReadOnly: false));
        Assert.Equal("/var/run/libvirt/libvirt-sock-ro", new LibvirtUri("qemu:///system?mode=legacy").SocketPath(isReadOnly: true));
        Assert.Equal("/var/run/libvirt/virtqemud-sock", new LibvirtUri("qemu:///system?mode=direct").SocketPath(isReadOnly: false));
        Assert.EndsWith("/libvirt/libvirt-sock", new LibvirtUri("qemu:///session?mode=legacy").SocketPath(isReadOnly: true), StringComparison.Ordinal);
    }
}
