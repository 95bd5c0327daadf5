using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>What a request is made of cannot end a line, a path or a query.</summary>
public sealed class HttpValueTests
{
    [Theory]
    [InlineData("")]
    [InlineData("relative")]
    [InlineData("http://other/")]
    [InlineData("/a b")]
    [InlineData("/a\r\nX: y")]
    [InlineData("/a\n")]
    [InlineData("/a\0")]
    [InlineData("/ü")]
    [InlineData("/a#b")]
    [InlineData("/a\\b")]
    [InlineData("/a/../b")]
    [InlineData("/a/..")]
    [InlineData("/a/./b")]
    [InlineData("/a/%2e%2E/b")]
    [InlineData("/a/.%2e?x")]
    public void A_bad_target_is_refused(string target) => Assert.ThrowsAny<ArgumentException>(() => HttpTarget.Parse(target));

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    public void A_value_cannot_be_another_path(string name) => Assert.Throws<ArgumentException>(() => HttpTarget.From($"/1.0/instances/{name}"));

    [Theory]
    [InlineData("../x", "/i/..%2Fx")]
    [InlineData("a?b=c&d#e", "/i/a%3Fb%3Dc%26d%23e")]
    [InlineData("a\r\nHost: x\0", "/i/a%0D%0AHost%3A%20x%00")]
    [InlineData("%2e%2e", "/i/%252e%252e")]
    public void A_value_is_escaped(string name, string target) => Assert.Equal(target, HttpTarget.From($"/i/{name}").Value);

    [Fact]
    public void Numbers_are_written_without_a_culture() => Assert.Equal("/i/-5?x=1.5", HttpTarget.From($"/i/{-5}?x={1.5}").Value);

    [Theory]
    [InlineData("X", "a\r\nY: b")]
    [InlineData("X", "a\nb")]
    [InlineData("X", "a\0")]
    [InlineData("X", " a")]
    [InlineData("X", "a ")]
    [InlineData("X", "ü")]
    [InlineData("X\r\n", "a")]
    [InlineData("X:", "a")]
    [InlineData("X Y", "a")]
    [InlineData("", "a")]
    [InlineData("Host", "a")]
    [InlineData("content-length", "1")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("Connection", "close")]
    public void A_bad_header_is_refused(string name, string value) => Assert.ThrowsAny<ArgumentException>(() => new HttpHeader(name, value));

    [Fact]
    public void What_is_secret_is_not_printed()
    {
        Assert.Equal("Authorization: [13 characters]", new HttpHeader("Authorization", "Bearer s3cret").ToString());
        Assert.DoesNotContain("s3cret", Assert.Throws<ArgumentException>(() => new HttpHeader("Authorization", "s3cret\n")).Message);
        Assert.Equal("GET /a?*", new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/a?token=s3cret")).ToString());
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a\r\n")]
    [InlineData("user@host")]
    public void A_host_that_is_none_is_refused(string authority) => Assert.ThrowsAny<ArgumentException>(() => HttpEndpoint.Unix("/x", authority));

    [Fact]
    public void Endpoints_name_their_host_as_requests_do()
    {
        Assert.Equal("h:8443", HttpEndpoint.Tls("h", 8443).Authority);
        Assert.Equal("h", HttpEndpoint.Tls("h", 443).Authority);
        Assert.Equal("[::1]:80", HttpEndpoint.Tls("::1", 80).Authority);
        Assert.Equal("h", HttpEndpoint.Tcp("h", 80).Authority);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        HttpEndpoint endpoint = HttpEndpoint.Unix("/x");
        Assert.Throws<ArgumentException>(() => new HttpConnectionPool(endpoint, new HttpPoolOptions { MaxConnections = 0 }));
        Assert.Throws<ArgumentException>(() => new HttpConnectionPool(endpoint, new HttpPoolOptions { MaxHeadBytes = 1 }));
        Assert.Throws<ArgumentException>(() => new HttpConnectionPool(endpoint, new HttpPoolOptions { Timeouts = new HttpTimeouts { Head = TimeSpan.Zero } }));
        Assert.Throws<ArgumentException>(() => new HttpRequest(HttpMethod.Connect, HttpTarget.Parse("/")));
        Assert.Throws<ArgumentException>(() => new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/")) { Upgrade = "a\r\nb" });
    }
}
