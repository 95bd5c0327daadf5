using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>
/// Carries out a change of one domain: first what runs, then the document, in which all else stays as it is. That the request has been carried out is written with the document, in one go; of a domain that the daemon does not keep
/// there is only what runs.
/// </summary>
internal sealed class DomainChanger(LibvirtParts parts, DomainChange change, InstanceChange wanted)
{
    private readonly DomainChangeScope _scope = new(change.Libvirt);
    private readonly DomainFacts _facts = change.Before;

    private LibvirtConnection Libvirt => change.Libvirt;

    public async Task ApplyAsync(CancellationToken cancellationToken)
    {
        // With what is secret in it: a definition without it would take it away.
        var config = DomainDocument.Parse(await Libvirt.DomainGetXmlDescAsync(_facts.Domain, LibvirtDomains.Inactive | LibvirtDomains.Secure, cancellationToken).ConfigureAwait(false));
        var record = InstanceRecord.Read(config.Root);
        await change.BeginAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await RenameAsync(config, cancellationToken).ConfigureAwait(false);
            Describe(config, record);
            if (wanted.Extensions.TryGet<LibvirtDomain>(out var own) && own.IsAutostarted is { } isAutostarted)
                await change.DoAsync(Libvirt.DomainSetAutostartAsync(_facts.Domain, isAutostarted ? 1 : 0, cancellationToken)).ConfigureAwait(false);
            await SizeAsync(config, cancellationToken).ConfigureAwait(false);
            await LimitAsync(config, cancellationToken).ConfigureAwait(false);
            await DisksAsync(config, record, cancellationToken).ConfigureAwait(false);
            var removed = await RemoveAsync(config, record, cancellationToken).ConfigureAwait(false);
            await NetworksAsync(config, cancellationToken).ConfigureAwait(false);
            record.Changes++;
            record.Write(config);
            await DefineAsync(config, cancellationToken).ConfigureAwait(false);
            foreach (var disk in removed)
                await LibvirtDisks.TryDeleteAsync(Libvirt, disk, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (!change.HasEffect && error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
        {
            foreach (var made in _scope.Made)
                await LibvirtDisks.TryDeleteAsync(Libvirt, made, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    private async Task RenameAsync(DomainDocument config, CancellationToken cancellationToken)
    {
        string name = wanted.Name.IsSet ? wanted.Name.Value.ToString() : config.Name;
        if (name == config.Name)
            return;
        await change.DoAndTellAsync(VirDomainEventType.Defined, async () => _ = await Libvirt.DomainRenameAsync(_facts.Domain, name, 0, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        config.Name = name;
    }

    private void Describe(DomainDocument config, InstanceRecord record)
    {
        if (wanted.Description.IsSet)
            config.Description = wanted.Description.Value;
        foreach (var (key, value) in wanted.Labels)
        {
            if (value is null)
                record.Labels.Remove(key);
            else
                record.Labels[key] = value;
        }
    }

    private async Task SizeAsync(DomainDocument config, CancellationToken cancellationToken)
    {
        if (!wanted.Sizing.IsSet || wanted.Sizing.Value is not Sizing.Explicit size)
            return;
        if (ChangePlanner.ArePlugged(_facts, size) || ChangePlanner.AreUnplugged(_facts, size))
            await change.DoAsync(Libvirt.DomainSetVcpusFlagsAsync(_facts.Domain, (uint)size.Cpus, (uint)VirDomainModificationImpact.Live, cancellationToken)).ConfigureAwait(false);
        int most = Math.Max(size.MaxCpus ?? config.MaxCpus, size.Cpus);
        if (config.Cpus != size.Cpus || config.MaxCpus != most)
            config.SetCpus(size.Cpus, most);
        long memory = ChangePlanner.Kept(size.Memory);
        if (ChangePlanner.PluggedBytes(_facts, size) is { } more)
            await AttachAsync(config.AddMemoryModule(more), cancellationToken).ConfigureAwait(false);
        else if (config.MemoryBytes != memory)
            config.SetMemory(memory, Math.Max(size.MaxMemory is { } max ? ChangePlanner.Kept(max) : config.MaxMemoryBytes == config.MemoryBytes ? memory : config.MaxMemoryBytes, memory));
    }

    /// <summary>What a container may use, of what runs at once.</summary>
    private async Task LimitAsync(DomainDocument config, CancellationToken cancellationToken)
    {
        const uint Live = (uint)VirDomainModificationImpact.Live;
        if (wanted.CpuLimit.IsSet && wanted.CpuLimit.Value != ContainerLimits.CpusOf(config))
        {
            ContainerLimits.SetCpus(config, wanted.CpuLimit.Value);
            var quota = new VirTypedParameter("vcpu_quota", VirTypedValue.From(ContainerLimits.QuotaOf(wanted.CpuLimit.Value)));
            var period = new VirTypedParameter("vcpu_period", VirTypedValue.From((ulong)ContainerLimits.PeriodMicroseconds));
            if (_facts.IsActive)
                await change.DoAsync(Libvirt.DomainSetSchedulerParametersFlagsAsync(_facts.Domain, [period, quota], Live, cancellationToken)).ConfigureAwait(false);
        }

        if (!wanted.MemoryLimit.IsSet)
            return;
        long memory = wanted.MemoryLimit.Value is { } limit ? ChangePlanner.Kept(limit) : await ContainerLimits.MostMemoryAsync(Libvirt, cancellationToken).ConfigureAwait(false);
        if (memory == ContainerLimits.MemoryOf(config))
            return;
        ContainerLimits.SetMemory(config, memory);
        if (_facts.IsActive)
            await change.DoAsync(Libvirt.DomainSetMemoryParametersAsync(_facts.Domain, [new VirTypedParameter("hard_limit", VirTypedValue.From((ulong)memory / 1024))], Live, cancellationToken)).ConfigureAwait(false);
    }

    private async Task DisksAsync(DomainDocument config, InstanceRecord record, CancellationToken cancellationToken)
    {
        foreach (var (id, size) in wanted.ResizeDisks)
            await ResizeAsync(record, id.ToString(), size, cancellationToken).ConfigureAwait(false);
        foreach (var (id, limits) in wanted.LimitDisks)
        {
            var disk = config.Disks.First(disk => disk.Target == id.ToString());
            // A number that is none and stays none is not said: some drivers take its 0 for a limit.
            var numbers = DomainDisk.LimitsOf(disk.Limits).Zip(DomainDisk.LimitsOf(limits)).Where(pair => pair.First.Value != 0 || pair.Second.Value != 0)
                .Select(pair => new VirTypedParameter(pair.Second.Name, VirTypedValue.From((ulong)pair.Second.Value)));
            disk.SetLimits(limits);
            if (_facts.IsActive)
                await change.DoAsync(Libvirt.DomainSetBlockIoTuneAsync(_facts.Domain, id.ToString(), [.. numbers], (uint)VirDomainModificationImpact.Live, cancellationToken)).ConfigureAwait(false);
        }

        foreach (var (id, image) in wanted.ChangeMedia)
            await ChangeMediaAsync(config, id.ToString(), image, cancellationToken).ConfigureAwait(false);
        foreach (var disk in wanted.AddDisks)
        {
            var device = await parts.Disks.AddAsync(_scope, config, record, disk, cancellationToken).ConfigureAwait(false);
            if (disk.Content is not DiskContent.Cd && disk.Bus is not ("ide" or "sata"))
                await AttachAsync(device, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ResizeAsync(InstanceRecord record, string target, ByteSize size, CancellationToken cancellationToken)
    {
        var known = record.Disks[target];
        if (_facts.IsActive)
        {
            // VIR_DOMAIN_BLOCK_RESIZE_BYTES: the size is not of KiB.
            const uint InBytes = 1;
            await change.DoAsync(Libvirt.DomainBlockResizeAsync(_facts.Domain, target, (ulong)size.Bytes, InBytes, cancellationToken)).ConfigureAwait(false);
        }
        else
        {
            var volume = await LibvirtDisks.FindVolumeAsync(Libvirt, "resizeDisks", $"{known.Pool}/{known.Volume}", cancellationToken).ConfigureAwait(false);
            await change.DoAsync(Libvirt.StorageVolResizeAsync(volume, (ulong)size.Bytes, 0, cancellationToken)).ConfigureAwait(false);
        }

        record.Disks[target] = known with { SizeBytes = size.Bytes };
    }

    private async Task ChangeMediaAsync(DomainDocument config, string target, string? image, CancellationToken cancellationToken)
    {
        string? path = image is null || image.StartsWith('/') ? image
            : await Libvirt.StorageVolGetPathAsync(await LibvirtDisks.FindVolumeAsync(Libvirt, "changeMedia", image, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        var element = config.Disks.First(disk => disk.Target == target).Element;
        element.Element("source")?.Remove();
        element.SetAttributeValue("type", "file");
        if (path is not null)
            element.Add(new XElement("source", new XAttribute("file", path)));
        if (_facts.IsActive)
            await change.DoAsync(Libvirt.DomainUpdateDeviceFlagsAsync(_facts.Domain, BoundedXml.Write(element), (uint)VirDomainModificationImpact.Live, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Takes devices away, from what runs first. Of several, those that are gone when one is not are taken out of the configuration too.</summary>
    private async Task<List<InstanceRecord.DiskRecord>> RemoveAsync(DomainDocument config, InstanceRecord record, CancellationToken cancellationToken)
    {
        var deleted = new List<InstanceRecord.DiskRecord>();
        int gone = 0;
        try
        {
            foreach (var id in wanted.RemoveDevices)
            {
                if (!parts.IsContainers && LiveDevice(id) is { } live)
                    await DeviceUnplug.RunAsync(change, live, id.ToString(), parts.Time, cancellationToken).ConfigureAwait(false);
                gone++;
                config.Nics.FirstOrDefault(nic => nic.Id == id)?.Element.Remove();
                if (config.Disks.FirstOrDefault(disk => disk.Target == id.ToString()) is not { } disk)
                    continue;
                disk.Element.Remove();
                if (record.Disks.Remove(disk.Target, out var known) && known.IsDeletedWithInstance)
                    deleted.Add(known);
            }
        }
        catch (HypervisorException) when (gone > 0 && _facts.IsPersistent)
        {
            record.Changes++;
            record.Write(config);
            await Libvirt.DomainDefineXmlFlagsAsync(config.ToXml(), 0, CancellationToken.None).ConfigureAwait(false);
            foreach (var disk in deleted)
                await LibvirtDisks.TryDeleteAsync(Libvirt, disk, CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        if (wanted.RemoveCloudInit && config.Disks.FirstOrDefault(disk => disk.IsSeed) is { } seed)
        {
            if (_facts.Live?.Disks.FirstOrDefault(disk => disk.IsSeed) is { } live)
                await DeviceUnplug.RunAsync(change, live.Element, "the disk of cloud-init", parts.Time, cancellationToken).ConfigureAwait(false);
            seed.Element.Remove();
            if (record.Files.Remove(InstanceRecord.Seed, out var file))
                deleted.Add(file);
        }

        return deleted;
    }

    private XElement? LiveDevice(DeviceId id) =>
        _facts.Live?.Disks.FirstOrDefault(disk => disk.Target == id.ToString())?.Element ?? _facts.Live?.Nics.FirstOrDefault(nic => nic.Id == id)?.Element;

    private async Task NetworksAsync(DomainDocument config, CancellationToken cancellationToken)
    {
        foreach (var network in wanted.AddNetworks)
        {
            var device = await DomainMaker.NicAsync(Libvirt, network, parts.IsContainers ? null : DomainMaker.PluggedModel, cancellationToken).ConfigureAwait(false);
            config.AddDevice(device);
            if (!parts.IsContainers)
                await AttachAsync(device, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task AttachAsync(XElement device, CancellationToken cancellationToken)
    {
        if (_facts.IsActive)
            await change.DoAsync(Libvirt.DomainAttachDeviceFlagsAsync(_facts.Domain, BoundedXml.Write(device), (uint)VirDomainModificationImpact.Live, cancellationToken)).ConfigureAwait(false);
    }

    private async Task DefineAsync(DomainDocument config, CancellationToken cancellationToken)
    {
        if (!_facts.IsPersistent)
        {
            await DescribeLiveAsync(config, cancellationToken).ConfigureAwait(false);
            return;
        }

        change.EndIn(config);
        await change.DoAndTellAsync(VirDomainEventType.Defined, async () => _ = await Libvirt.DomainDefineXmlFlagsAsync(config.ToXml(), 0, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What the daemon does not keep has its description and our metadata while it runs.</summary>
    private async Task DescribeLiveAsync(DomainDocument config, CancellationToken cancellationToken)
    {
        const uint Live = (uint)VirDomainModificationImpact.Live;
        if (wanted.Description.IsSet)
            await change.DoAsync(Libvirt.DomainSetMetadataAsync(_facts.Domain, (int)VirDomainMetadataType.Description, wanted.Description.Value, null, null, Live, cancellationToken)).ConfigureAwait(false);
        XNamespace ours = InstanceRecord.Namespace;
        var element = config.Root.Element("metadata")!.Element(ours + "instance")!;
        await change.DoAsync(Libvirt.DomainSetMetadataAsync(_facts.Domain, (int)VirDomainMetadataType.Element, BoundedXml.Write(BoundedXml.Bare(element)), InstanceRecord.Prefix, InstanceRecord.Namespace, Live, cancellationToken)).ConfigureAwait(false);
        await change.EndAsync(cancellationToken).ConfigureAwait(false);
    }
}
