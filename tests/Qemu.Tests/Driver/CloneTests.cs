using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class CloneTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    [Feature("TPL-05")]
    [Feature("TPL-06")]
    [Feature("TPL-11")]
    public async Task A_full_clone_has_the_content_and_an_identity_of_its_own()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var source = await SourceAsync(backend);
        await WriteAsync(backend, source, "original");

        var clone = await backend.Get<ICloning>().CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse("copy") }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("copy", PowerState.Stopped, source.Id), (clone.Name, clone.State, clone.ClonedFrom));
        Assert.NotEqual(source.Incarnation, clone.Incarnation);
        Assert.NotEqual(source.Networks[0].Mac, clone.Networks[0].Mac);
        Assert.Equal("web", clone.Labels["role"]);
        await WriteAsync(backend, source, "changed!");
        Assert.Equal("original", await ReadAsync(backend, clone));
        await backend.Get<IHypervisor>().DeleteAsync(source.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("original", await ReadAsync(backend, clone));
    }

    [Fact(Timeout = 120_000)]
    [Feature("TPL-01")]
    [Feature("TPL-07")]
    public async Task A_linked_clone_lies_upon_a_template_that_stays_as_long_as_it_does()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var templates = backend.Get<ITemplates>();
        var cloning = backend.Get<ICloning>();
        var source = await SourceAsync(backend);
        await WriteAsync(backend, source, "template");
        await RefusedAsync(ErrorCode.InvalidState, () => cloning.CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse("linked"), Mode = CloneMode.Linked }, null, Token));

        var template = await templates.ConvertToTemplateAsync(source.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.True(template.IsTemplate);
        await RefusedAsync(ErrorCode.InvalidState, () => hypervisor.StartAsync(source.Id, null, Token));
        await RefusedAsync(ErrorCode.InvalidState, () => backend.Get<ISnapshots>().CreateAsync(source.Id, new SnapshotSpec { Name = SnapshotName.Parse("no") }, null, Token));

        var linked = await cloning.CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse("linked"), Mode = CloneMode.Linked }, null, Token).WaitForCompletionAsync(Token);
        Assert.True(linked.Disks[0].Allocated < ByteSize.FromMiB(1), $"{linked.Disks[0].Allocated}");
        Assert.Equal("template", await ReadAsync(backend, linked));
        await WriteAsync(backend, linked, "its own!");
        Assert.Equal("template", await ReadAsync(backend, template));
        await hypervisor.StartAsync(linked.Id, null, Token).WaitForCompletionAsync(Token);

        var refused = await RefusedAsync(ErrorCode.InvalidState, () => hypervisor.DeleteAsync(source.Id, null, null, Token));
        Assert.Contains("linked", refused.Message, StringComparison.Ordinal);
        await RefusedAsync(ErrorCode.InvalidState, () => templates.ConvertToInstanceAsync(source.Id, null, Token));
        // A full clone of a linked one has everything, also what lies below.
        await hypervisor.StopAsync(linked.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var full = await cloning.CloneAsync(linked.Id, new CloneSpec { Name = InstanceName.Parse("full") }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.DeleteAsync(linked.Id, null, null, Token).WaitForCompletionAsync(Token);
        var instance = await templates.ConvertToInstanceAsync(source.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.False(instance.IsTemplate);
        await hypervisor.DeleteAsync(source.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("its own!", await ReadAsync(backend, full));
    }

    [Theory(Timeout = 120_000)]
    [InlineData(CloneMode.Full)]
    [InlineData(CloneMode.Linked)]
    [Feature("CMP-09")]
    public async Task A_machine_is_made_from_a_template_with_processors_memory_and_storage_of_its_own(CloneMode mode)
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var cloning = backend.Get<ICloning>();
        var template = await SourceAsync(backend);
        await WriteAsync(backend, template, "template");
        await backend.Get<ITemplates>().ConvertToTemplateAsync(template.Id, null, Token).WaitForCompletionAsync(Token);
        var disk = template.Disks[0];
        CloneSpec Larger(ByteSize size, string id = "disk0") => new()
        {
            Name = InstanceName.Parse("made"), Mode = mode, Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(96)), ResizeDisks = { [DeviceId.Parse(id)] = size },
        };

        var shrunk = await RefusedAsync(ErrorCode.InvalidArgument, () => cloning.CloneAsync(template.Id, Larger(ByteSize.FromMiB(4)), null, Token));
        Assert.Contains("resizeDisks[disk0]", Assert.IsType<Dictionary<string, string>>(shrunk.FieldErrors, exactMatch: false).Keys);
        await RefusedAsync(ErrorCode.InvalidArgument, () => cloning.CloneAsync(template.Id, Larger(ByteSize.FromMiB(64), "disk7"), null, Token));
        await RefusedAsync(ErrorCode.InvalidArgument, () => cloning.CloneAsync(template.Id, new CloneSpec { Name = InstanceName.Parse("made"), Sizing = new Sizing.Explicit(0, ByteSize.FromMiB(96)) }, null, Token));

        var made = await cloning.CloneAsync(template.Id, Larger(ByteSize.FromMiB(64)), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((2, ByteSize.FromMiB(96), ByteSize.FromMiB(64), template.Id), (made.Cpus, made.Memory, made.Disks[0].Size, made.ClonedFrom));
        Assert.Equal("template", await ReadAsync(backend, made));
        var info = await backend.Services.Images.GetInfoAsync(DiskImage.At(PathOf(backend, made), ImageFormat.Qcow2), cancellationToken: Token);
        Assert.Equal(ByteSize.FromMiB(64), info.VirtualSize);
        Assert.Equal(disk.Size, (await backend.Get<IHypervisor>().GetAsync(template.Id, Token)).Disks[0].Size);
        Assert.Equal(PowerState.Running, (await backend.Get<IHypervisor>().StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_clone_can_begin_with_a_snapshot()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var source = await SourceAsync(backend);
        await WriteAsync(backend, source, "earlier!");
        await backend.Get<ISnapshots>().CreateAsync(source.Id, new SnapshotSpec { Name = SnapshotName.Parse("then") }, null, Token).WaitForCompletionAsync(Token);
        await WriteAsync(backend, source, "later...");
        var clone = await backend.Get<ICloning>().CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse("from-then"), Snapshot = SnapshotName.Parse("then") }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("earlier!", await ReadAsync(backend, clone));
        await RefusedAsync(ErrorCode.NotFound, () => backend.Get<ICloning>().CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse("none"), Snapshot = SnapshotName.Parse("never") }, null, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task The_same_request_makes_one_clone_and_of_two_with_one_name_one_wins()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var cloning = backend.Get<ICloning>();
        var source = await SourceAsync(backend);
        var request = new RequestOptions { RequestId = RequestId.New() };
        var spec = new CloneSpec { Name = InstanceName.Parse("one") };
        var first = await cloning.CloneAsync(source.Id, spec, request, Token).WaitForCompletionAsync(Token);
        var again = await cloning.CloneAsync(source.Id, spec, request, Token).WaitForCompletionAsync(Token);
        Assert.Equal(first.Id, again.Id);

        var both = await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            try
            {
                await cloning.CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse("two") }, null, Token).WaitForCompletionAsync(Token);
                return true;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.AlreadyExists)
            {
                return false;
            }
        }));
        Assert.Single(both, won => won);
        await backend.Get<IHypervisor>().StartAsync(source.Id, null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.InvalidState, () => cloning.CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse("three") }, null, Token));
    }

    private static async Task<Instance> SourceAsync(QemuBackend backend) => await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("source", spec =>
    {
        spec.Networks.Add(new NetworkSpec { Network = "user" });
        spec.Labels["role"] = "web";
    }), null, Token).WaitForCompletionAsync(Token);

    private static async Task<HypervisorException> RefusedAsync<T>(ErrorCode code, Func<Task<T>> call)
    {
        var refused = await Assert.ThrowsAsync<HypervisorException>(call);
        Assert.Equal(code, refused.Code);
        return refused;
    }

    private static string PathOf(QemuBackend backend, Instance machine) => Path.Combine(backend.Services.State.Path, "vms", machine.Id.ToString(), "disks", "disk0.qcow2");

    /// <summary>Writes at the beginning of the disk, as the guest would, by qemu-io.</summary>
    private static async Task WriteAsync(QemuBackend backend, Instance machine, string text) => await IoAsync(PathOf(backend, machine), $"write -q -s {await FileAsync(backend, text)} 0 512");

    private static async Task<string> ReadAsync(QemuBackend backend, Instance machine)
    {
        string raw = Path.Combine(backend.Services.State.Path, "..", $"read-{Guid.NewGuid():N}");
        var config = backend.Table.Get(machine.Id.ToString()).ReadConfig()!;
        var image = DiskImage.At(PathOf(backend, machine), "qcow2");
        if (config.Disks[0].Backing is [var below])
            image = image.WithBacking(DiskImage.At(below.ExternalPath!, below.Format));
        await backend.Services.Images.ConvertAsync(image, DiskImage.At(Path.GetFullPath(raw), "raw"), null, null, Token);
        byte[] content = await File.ReadAllBytesAsync(raw, Token);
        return Encoding.ASCII.GetString(content, 0, 8);
    }

    private static async Task<string> FileAsync(QemuBackend backend, string text)
    {
        string path = Path.GetFullPath(Path.Combine(backend.Services.State.Path, "..", "pattern"));
        await File.WriteAllTextAsync(path, text, Token);
        return path;
    }

    private static async Task IoAsync(string image, string command)
    {
        var start = new System.Diagnostics.ProcessStartInfo(RealPeer.Program("qemu-io")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-f", "qcow2", "-c", command, image])
            start.ArgumentList.Add(argument);
        using var process = System.Diagnostics.Process.Start(start)!;
        string said = await process.StandardOutput.ReadToEndAsync(Token) + await process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.True(process.ExitCode == 0, said);
    }
}
