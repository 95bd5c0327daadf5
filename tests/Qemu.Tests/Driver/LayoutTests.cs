using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>How a guest sees its processors and its memory, and what that memory is made of.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class LayoutTests
{
    private const string PagesFile = "/proc/sys/vm/nr_hugepages";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_guest_sees_the_processor_sockets_cores_and_nodes_that_were_asked_for_and_keeps_them_in_every_change()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("layout", spec =>
        {
            spec.Sizing = new Sizing.Explicit(4, ByteSize.FromMiB(256));
            spec.CpuModel = "Nehalem";
            // The nodes are told by ACPI, of which a kernel that QEMU starts as an ELF file learns nothing.
            spec.Boot = new BootSource.Kernel(lab.Guest.ScreenKernelPath, lab.Guest.InitrdPath, GuestImage.CommandLine);
            spec.Extensions.Set(new QemuMachine { Graphics = false, Topology = new QemuTopology { Sockets = 2, Cores = 2 }, NumaNodes = 2 });
        });
        var vm = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, vm.Id);
        const string Look = "cd /sys/devices/system; cat cpu/cpu[0-3]/topology/physical_package_id | xargs; cat cpu/cpu[0-3]/topology/core_id | xargs; cat node/node[01]/cpulist | xargs";
        Assert.Equal("0 0 1 1\n0 1 0 1\n0-1 2-3", await QemuLab.ShellAsync(backend, vm.Id, Look));
        Assert.Contains("Nehalem", await QemuLab.ShellAsync(backend, vm.Id, "grep -m 1 'model name' /proc/cpuinfo"), StringComparison.Ordinal);
        await hypervisor.StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);

        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.PlanAsync(vm.Id, new InstanceChange { Sizing = new Sizing.Explicit(3, ByteSize.FromMiB(256)) }, Token));
        Assert.Equal((ErrorCode.InvalidArgument, "extensions.qemu.topology"), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
        // Fewer CPUs of the same places are no other layout.
        Assert.True((await hypervisor.PlanAsync(vm.Id, new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(256)) { MaxCpus = 4 } }, Token)).IsPossible);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_layout_that_cannot_be_is_refused_with_its_field()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        await RefusedAsync("extensions.qemu.topology", new QemuMachine { Topology = new QemuTopology { Sockets = 2 } });
        await RefusedAsync("extensions.qemu.topology", new QemuMachine { Topology = new QemuTopology { Cores = 0 } });
        await RefusedAsync("extensions.qemu.topology", new QemuMachine { Topology = new QemuTopology { Sockets = 256, Cores = 256, Threads = 256 } });
        await RefusedAsync("extensions.qemu.numaNodes", new QemuMachine { NumaNodes = 9 });
        await RefusedAsync("extensions.qemu.numaNodes", new QemuMachine { NumaNodes = 2 });

        async Task RefusedAsync(string field, QemuMachine machine)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("odd", spec => spec.Extensions.Set(machine)), null, Token));
            Assert.Equal((ErrorCode.InvalidArgument, field), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Memory_is_of_huge_pages_where_the_host_has_set_them_aside_and_refused_where_it_has_none()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = QemuLab.EmptySpec("huge", spec => spec.Extensions.Set(new QemuMachine { Graphics = false, HugePages = true }));
        string before = (await File.ReadAllTextAsync(PagesFile, Token)).Trim();
        if (before == "0")
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(spec, null, Token));
            Assert.Equal((ErrorCode.Unsupported, "extensions.qemu.hugePages"), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
            Assert.Contains("nr_hugepages", refused.Message, StringComparison.Ordinal);
        }

        if (!await TrySetAsideAsync(int.Parse(before, CultureInfo.InvariantCulture) + 32))
            return;
        try
        {
            var vm = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
            await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
            string maps = await File.ReadAllTextAsync($"/proc/{backend.Services.State.ReadProcess(vm.Id.ToString())!.Pid}/smaps", Token);
            Assert.Contains("Private_Hugetlb:   32768 kB", maps, StringComparison.Ordinal);
            await hypervisor.DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);

            // More than there is: QEMU's own words, and nothing runs.
            var tooMuch = await hypervisor.CreateAsync(QemuLab.EmptySpec("more", spec =>
            {
                spec.Sizing = new Sizing.Explicit(1, ByteSize.FromTiB(1));
                spec.Extensions.Set(new QemuMachine { Graphics = false, HugePages = true });
            }), null, Token).WaitForCompletionAsync(Token);
            var failed = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(tooMuch.Id, null, Token).WaitForCompletionAsync(Token));
            Assert.Contains("memory", failed.Message, StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            await File.WriteAllTextAsync(PagesFile, before, CancellationToken.None);
        }
    }

    /// <summary>Sets pages aside; false where this process may not, or the host has no room that is whole.</summary>
    private static async Task<bool> TrySetAsideAsync(int pages)
    {
        if (!RunUser.IsRoot)
            return false;
        try
        {
            await File.WriteAllTextAsync(PagesFile, pages.ToString(CultureInfo.InvariantCulture), Token);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }

        return int.Parse(await File.ReadAllTextAsync(PagesFile, Token), CultureInfo.InvariantCulture) >= pages;
    }
}
