using System.Text;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Tests.Xml;

public sealed class DomainDocumentTests
{
    private const string Foreign = """
        <domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>old &amp; foreign</name>
          <uuid>11111111-2222-3333-4444-555555555555</uuid>
          <title>kept</title>
          <description>before</description>
          <metadata>
            <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"><libosinfo:os id="http://debian.org/debian/12"/></libosinfo:libosinfo>
          </metadata>
          <memory unit='GiB'>2</memory>
          <currentMemory unit='KiB'>1048576</currentMemory>
          <vcpu placement='static' cpuset='0-3' current='2'>4</vcpu>
          <unknown-to-us deep='yes'><inner>text &lt;kept&gt;</inner></unknown-to-us>
          <devices>
            <disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/vg/a'/><target dev='vda' bus='virtio'/><iotune><total_iops_sec>100</total_iops_sec></iotune></disk>
            <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
            <interface type='bridge'><mac address='52:54:00:aa:bb:cc'/><source bridge='br0'/><vlan><tag id='42'/></vlan></interface>
            <interface type='user'/>
          </devices>
          <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
        </domain>
        """;

    [Fact]
    public void What_the_model_knows_is_read_from_a_document_of_somebody_else()
    {
        var domain = DomainDocument.Parse(Foreign);
        Assert.Equal(("old & foreign", Guid.Parse("11111111-2222-3333-4444-555555555555"), "before", "kvm"), (domain.Name, domain.Uuid!.Value, domain.Description, domain.Type));
        Assert.Equal((2, 4, 1L << 30, 2L << 30), (domain.Cpus, domain.MaxCpus, domain.MemoryBytes, domain.MaxMemoryBytes));
        Assert.Equal(["vda /dev/vg/a", "sda "], domain.Disks.Select(disk => $"{disk.Target} {disk.Source}"));
        Assert.Equal(100, domain.Disks[0].Limits!.Total!.OperationsPerSecond);
        Assert.Equal(["nic-525400aabbcc bridge:br0", "nic-1 user"], domain.Nics.Select(nic => $"{nic.Id} {nic.Network}"));
    }

    [Fact]
    public void What_is_unknown_is_kept_when_something_else_is_changed()
    {
        var domain = DomainDocument.Parse(Foreign);
        domain.Description = "after <b> & \"c\"";
        domain.SetCpus(3, 4);
        domain.SetMemory(1L << 30, 3L << 30);
        var record = InstanceRecord.Read(domain.Root);
        record.Labels["k </label>"] = " v\n\t\"'<>&\u00fc\U0001F600 ";
        record.Write(domain);
        var again = DomainDocument.Parse(domain.ToXml());
        Assert.Equal(("after <b> & \"c\"", 3, 4, 1L << 30, 3L << 30), (again.Description, again.Cpus, again.MaxCpus, again.MemoryBytes, again.MaxMemoryBytes));
        Assert.Equal(" v\n\t\"'<>&\u00fc\U0001F600 ", InstanceRecord.Read(again.Root).Labels["k </label>"]);
        foreach (string kept in new[] { "<title>kept</title>", "cpuset=\"0-3\"", "libosinfo:os id=", "<inner>text &lt;kept&gt;</inner>", "cache=\"none\"", "<tag id=\"42\" />", "qemu:arg value=\"-foo\"", "xmlns:qemu=" })
            Assert.Contains(kept, again.ToXml(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_revision_moves_with_every_change_and_not_with_what_is_kept_about_requests()
    {
        var domain = DomainDocument.Parse(Foreign);
        var before = domain.Revision;
        Assert.Equal(before, DomainDocument.Parse(Foreign).Revision);
        var requests = new RequestRecords { IsStopped = true };
        requests.Set(new RequestRecord(RequestId.New(), "start", true, 4));
        requests.Write(domain);
        Assert.Equal(before, domain.Revision);
        Assert.NotEqual(before, DomainDocument.Parse(Foreign.Replace("id='42'", "id='43'", StringComparison.Ordinal)).Revision);
        // A change and its opposite are two changes.
        var record = InstanceRecord.Read(domain.Root);
        record.Changes = 2;
        record.Write(domain);
        var there = domain.Revision;
        record.Changes = 4;
        record.Write(domain);
        Assert.NotEqual(there, domain.Revision);
    }

    [Fact]
    public void Of_requests_the_last_ones_are_kept_with_how_far_they_are()
    {
        var domain = DomainDocument.Parse(Foreign);
        var ids = Enumerable.Range(0, RequestRecords.Kept + 5).Select(_ => RequestId.New()).ToList();
        var requests = new RequestRecords();
        ids.ForEach(id => requests.Set(new RequestRecord(id, "stop", false, null)));
        requests.Set(new RequestRecord(ids[^1], "stop", true, 7));
        requests.Write(domain);
        var again = RequestRecords.Read(DomainDocument.Parse(domain.ToXml()).Root);
        Assert.Equal(RequestRecords.Kept, again.All.Count);
        Assert.Null(again.Find(ids[0]));
        Assert.Equal(new RequestRecord(ids[^1], "stop", true, 7), again.Find(ids[^1]));
    }

    [Theory]
    [InlineData("</name><devices>")]
    [InlineData("a]]>b")]
    [InlineData("&xxe; %file; <!-- --> <?pi?>")]
    public void A_name_cannot_leave_its_element(string name)
    {
        var domain = DomainDocument.New("test", name, Guid.NewGuid());
        domain.Description = name;
        var again = DomainDocument.Parse(domain.ToXml());
        Assert.Equal((name, name), (again.Name, again.Description));
        Assert.Equal(3, again.Root.Elements().Count());
    }

    [Theory]
    [InlineData("<!DOCTYPE domain [<!ENTITY xxe SYSTEM 'file:///etc/passwd'>]><domain><name>&xxe;</name></domain>")]
    [InlineData("<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]><domain><name>&c;</name></domain>")]
    [InlineData("<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/evil.dtd'><domain/>")]
    [InlineData("<domain><name>&undeclared;</name></domain>")]
    [InlineData("<domain>")]
    [InlineData("<domain/><domain/>")]
    [InlineData("<network/>")]
    [InlineData("<domain xmlns='urn:other'/>")]
    [InlineData("")]
    [InlineData("<domain>\u0001</domain>")]
    public void What_is_no_document_of_a_domain_is_refused(string xml)
    {
        var error = Assert.Throws<HypervisorException>(() => DomainDocument.Parse(xml));
        Assert.Equal(ErrorCode.Protocol, error.Code);
        Assert.DoesNotContain("root:", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_nodes_and_length_are_bounded()
    {
        string deep = new StringBuilder("<domain>").Insert(8, "<a>", BoundedXml.MaxDepth).Append('x').Insert(8 + (3 * BoundedXml.MaxDepth) + 1, "</a>", BoundedXml.MaxDepth).Append("</domain>").ToString();
        Assert.Contains("deeper", Assert.Throws<HypervisorException>(() => DomainDocument.Parse(deep)).Message, StringComparison.Ordinal);
        Assert.Contains("nodes", Assert.Throws<HypervisorException>(() => DomainDocument.Parse($"<domain>{new StringBuilder().Insert(0, "<a/>", BoundedXml.MaxNodes + 1)}</domain>")).Message, StringComparison.Ordinal);
        Assert.Contains("characters", Assert.Throws<HypervisorException>(() => DomainDocument.Parse($"<domain>{new string(' ', BoundedXml.MaxChars)}</domain>")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not-a-uuid")]
    [InlineData("{11111111-2222-3333-4444-555555555555}")]
    [InlineData("11111111222233334444555555555555")]
    [InlineData("11111111-2222-3333-4444-55555555555g")]
    [InlineData("")]
    public void A_malformed_uuid_is_none(string uuid) => Assert.Null(DomainDocument.Parse($"<domain><uuid>{uuid}</uuid></domain>").Uuid);

    [Theory]
    [InlineData("plain ü ☃ \U0001F600", true)]
    [InlineData("tab\tline\n", true)]
    [InlineData("null\0", false)]
    [InlineData("bell\u0007", false)]
    [InlineData("\uffff", false)]
    public void A_text_that_no_document_can_hold_is_told_apart(string text, bool canHold) => Assert.Equal(canHold, BoundedXml.CanHold(text));

    [Fact]
    public void Half_a_character_is_no_text() => Assert.False(BoundedXml.CanHold("half " + (char)0xd83d));

    [Fact]
    public void Limits_of_a_disk_are_written_and_read_back()
    {
        var limits = new DiskLimits
        {
            Read = new DiskRate { BytesPerSecond = ByteSize.FromMiB(1), BurstBytesPerSecond = ByteSize.FromMiB(2), BurstLength = TimeSpan.FromSeconds(5) }, Write = new DiskRate { OperationsPerSecond = 50 },
        };
        var disk = DomainDocument.Parse(Foreign).Disks[0];
        disk.SetLimits(limits);
        Assert.Equal(limits, disk.Limits);
        disk.SetLimits(null);
        Assert.Null(disk.Limits);
    }
}
