namespace Hypervisor.Sdk.Hosts.Tests;

public sealed class SshAddressTests
{
    [Theory]
    [InlineData("ssh://host", null, "host", null)]
    [InlineData("ssh://host/", null, "host", null)]
    [InlineData("ssh://me@host.example.org:2222", "me", "host.example.org", 2222)]
    [InlineData("ssh://a.b_c-d@10.0.0.1:1", "a.b_c-d", "10.0.0.1", 1)]
    [InlineData("ssh://root@[fd00::1]:65535", "root", "fd00::1", 65535)]
    [InlineData("ssh://[::1]", null, "::1", null)]
    public void An_address_is_read_and_printed_as_it_was(string text, string? user, string host, int? port)
    {
        var address = SshAddress.Parse(text);
        Assert.Equal((user, host, port), (address.User, address.Host, address.Port));
        Assert.Equal(text.TrimEnd('/'), address.ToString());
        Assert.True(SshAddress.TryParse(text, null, out var again));
        Assert.Equal(address, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData("http://host")]
    [InlineData("ssh://")]
    [InlineData("ssh://@host")]
    [InlineData("ssh://-oProxyCommand=id")]
    [InlineData("ssh://-v@host")]
    [InlineData("ssh://me@-v")]
    [InlineData("ssh://host:0")]
    [InlineData("ssh://host:65536")]
    [InlineData("ssh://host:")]
    [InlineData("ssh://host: 22")]
    [InlineData("ssh://host:+22")]
    [InlineData("ssh://host/path")]
    [InlineData("ssh://host?x")]
    [InlineData("ssh://ho st")]
    [InlineData("ssh://host%00")]
    [InlineData("ssh://$(id)")]
    [InlineData("ssh://a`id`@host")]
    [InlineData("ssh://a;b@host")]
    [InlineData("ssh://host\n")]
    [InlineData("ssh://[fe80::1%eth0]")]
    [InlineData("ssh://[host]")]
    [InlineData("ssh://[::1]x")]
    [InlineData("ssh://::1")]
    public void What_could_be_taken_for_something_else_is_refused(string text)
    {
        Assert.False(SshAddress.TryParse(text, null, out var address));
        Assert.True(address.IsDefault);
        Assert.Throws<FormatException>(() => SshAddress.Parse(text));
    }

    [Fact]
    public void A_password_is_refused_and_not_repeated()
    {
        var error = Assert.Throws<FormatException>(() => SshAddress.Parse("ssh://me:hunter2@host"));
        Assert.Contains("password", error.Message);
        Assert.DoesNotContain("hunter2", error.Message);
    }
}
