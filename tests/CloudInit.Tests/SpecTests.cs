namespace Hypervisor.Sdk.CloudInit.Tests;

public sealed class SpecTests
{
    [Fact]
    public void A_spec_takes_the_documents_and_keeps_what_was_said_before()
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("web1"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)), Boot = new BootSource.FirstDisk(), CloudInit = new CloudInitData { InstanceDataId = "first" } };
        Assert.Same(spec, spec.UseCloudInit(new CloudConfig { FullHostName = "web1.example.org" }, new CloudNetwork { Interfaces = { new CloudInterface { Name = "eth0" } } }));
        Assert.Equal(("first", "web1.example.org"), (spec.CloudInit.InstanceDataId, spec.CloudInit.HostName));
        Assert.StartsWith("#cloud-config\n", spec.CloudInit.UserData, StringComparison.Ordinal);
        Assert.StartsWith("version: 2\n", spec.CloudInit.NetworkConfig, StringComparison.Ordinal);
        Assert.Equal("#cloud-config\n{}\n", new CloudConfig().ToUserData());
    }
}
