using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

[Peer("libvirt")]
public sealed class LibvirtBackendFactoryTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_backend_is_connected_by_settings_and_says_what_it_is()
    {
        await libvirtd.StartAsync();
        var definition = Definition(("uri", $"test+unix:///default?socket={libvirtd.Socket}"), ("pool", "default-pool"), ("maxClientRequests", "32"), ("defaultDeadline", "00:01:00"), ("domainType", "test"));
        await using var backend = await new LibvirtBackendFactory().ConnectAsync(definition, Token);
        Assert.Equal(("lab", "libvirt", BackendConnectionState.Connected), (backend.Name.ToString(), backend.Info.Kind, backend.ConnectionState));
        Assert.True(backend.Info.ParsedVersion >= new Version(9, 0, 0));
        await using var samples = backend.Get<IMetrics>().SampleAsync(null, Token).GetAsyncEnumerator(Token);
        Assert.True(await samples.MoveNextAsync());
        var document = await backend.Get<INativeDocuments>().GetAsync(samples.Current.Id, Token);
        Assert.Equal("application/xml", document.MediaType);
        Assert.Contains("<domain type='test'", System.Text.Encoding.UTF8.GetString(document.Content.Span), StringComparison.Ordinal);
        Assert.Equal("image/png", (await backend.Get<IGraphicsConsole>().CaptureAsync(samples.Current.Id, Token)).MediaType);
    }

    [Theory]
    [InlineData("uri", "qemu+carrier-pigeon://host/system", "uri")]
    [InlineData("uri", "qemu+tls://host/system?no_verify=1", "uri")]
    [InlineData("maxClientRequests", "many", "maxClientRequests")]
    [InlineData("defaultDeadline", "soon", "defaultDeadline")]
    [InlineData("defaultDeadline", "-00:00:01", "defaultDeadline")]
    [InlineData("pool", "../etc", "pool")]
    [InlineData("colour", "blue", "colour")]
    public async Task A_setting_that_is_not_acceptable_is_refused_by_name_before_anything_is_sent(string setting, string value, string field)
    {
        (string, string)[] settings = setting == "uri" ? [(setting, value)] : [("uri", "test:///default"), (setting, value)];
        var error = await Assert.ThrowsAsync<HypervisorException>(() => new LibvirtBackendFactory().ConnectAsync(Definition(settings), Token));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
        Assert.Equal(field, Assert.Single(error.FieldErrors!).Key);
    }

    private static BackendDefinition Definition(params (string Name, string Value)[] settings)
    {
        var definition = new BackendDefinition { Name = BackendName.Parse("lab"), Kind = "libvirt" };
        foreach (var (name, value) in settings)
            definition.Settings[name] = value;
        return definition;
    }
}
