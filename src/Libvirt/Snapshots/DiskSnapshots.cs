using System.Text.Json;
using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Snapshots;

/// <summary>
/// Snapshots of the disks of what runs, at one moment and without its memory. libvirt has none within images: it saves the memory too, for as long as that takes. QEMU itself has them, in a moment; libvirt is told of the result as
/// of a snapshot that was taken while the domain was off, which is what it amounts to: it lists it, goes back to it and deletes it as its own.
/// </summary>
internal sealed class DiskSnapshots(DomainChange change, bool isTestDriver)
{
    private LibvirtConnection Libvirt => change.Libvirt;

    /// <param name="asked">What is asked for.</param>
    /// <param name="note">What goes with it.</param>
    /// <param name="parent">The snapshot before it.</param>
    /// <param name="at">When it is taken.</param>
    /// <param name="cancellationToken">Gives up before anything was done.</param>
    public async Task TakeAsync(XElement asked, SnapshotNote note, string? parent, DateTimeOffset at, CancellationToken cancellationToken)
    {
        // With what is secret in it: going back to it puts the whole document back.
        var domain = BoundedXml.Read(await Libvirt.DomainGetXmlDescAsync(change.Domain, LibvirtDomains.Inactive | LibvirtDomains.Secure, cancellationToken).ConfigureAwait(false), "domain");
        string[] nodes = isTestDriver ? [] : await NodesAsync(note.Name, cancellationToken).ConfigureAwait(false);
        if (!isTestDriver)
            await QemuMonitor.RunAsync(Libvirt, change.Domain, "transaction", json => WriteActions(json, nodes, note.Name), cancellationToken).ConfigureAwait(false);
        try
        {
            const uint AsCurrent = (uint)(VirDomainSnapshotCreateFlags.Redefine | VirDomainSnapshotCreateFlags.Current);
            await change.DoAsync(TellAsync(SnapshotDocument.Told(asked, parent, at, domain), AsCurrent)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
        {
            await ForgetAsync(nodes, note.Name).ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask TellAsync(string xml, uint flags) => await Libvirt.DomainSnapshotCreateXmlAsync(change.Domain, xml, flags, CancellationToken.None).ConfigureAwait(false);

    /// <summary>The nodes of QEMU's that the disks are on. What an attempt before left in them under this name, of which libvirt was never told, is deleted.</summary>
    private async Task<string[]> NodesAsync(string name, CancellationToken cancellationToken)
    {
        var devices = await QemuMonitor.RunAsync(Libvirt, change.Domain, "query-block", null, cancellationToken).ConfigureAwait(false);
        bool isOurs = SnapshotNote.Read(change.Before.Config.Root)?.Name == name;
        var nodes = new List<string>();
        foreach (var disk in change.Before.Live!.Disks.Where(disk => disk is { IsCd: false, IsFloppy: false, IsReadOnly: false }))
        {
            if (QemuMonitor.InsertedIn(devices, disk) is not { } inserted || inserted.GetProperty("node-name").GetString() is not { } node)
                throw new BackendProtocolException($"QEMU does not say on what the disk '{disk.Target}' is.", ErrorCode.Protocol, RequestOutcome.Rejected);
            bool isLeft = inserted.GetProperty("image").TryGetProperty("snapshots", out var kept) && kept.EnumerateArray().Any(one => one.GetProperty("name").GetString() == name);
            if (isLeft && isOurs)
                await ForgetAsync([node], name).ConfigureAwait(false);
            nodes.Add(node);
        }

        return [.. nodes];
    }

    private async Task ForgetAsync(string[] nodes, string name)
    {
        foreach (string node in nodes)
        {
            await QemuMonitor.RunAsync(
                Libvirt, change.Domain, "blockdev-snapshot-delete-internal-sync",
                json =>
                {
                    json.WriteString("device", node);
                    json.WriteString("name", name);
                }, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static void WriteActions(Utf8JsonWriter json, string[] nodes, string name)
    {
        json.WriteStartArray("actions");
        foreach (string node in nodes)
        {
            json.WriteStartObject();
            json.WriteString("type", "blockdev-snapshot-internal-sync");
            json.WriteStartObject("data");
            json.WriteString("device", node);
            json.WriteString("name", name);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
