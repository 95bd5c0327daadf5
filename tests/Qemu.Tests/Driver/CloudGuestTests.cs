using System.Net;
using System.Runtime.Versioning;
using Hypervisor.Sdk.CloudInit;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>A real cloud-init, in a Debian of <c>eng/cloud-guest</c> that has never booted, reads what this SDK writes.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Full)]
public sealed class CloudGuestTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8ZQ2m1rQk0m2n5n5m1m0m2m3m4m5m6m7m8m9n0n1n2 ana@example.org";

    // Of the guest.
    private const string Homes = "/home";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 900_000)]
    [Feature("CLI-05")]
    public async Task Everything_that_can_be_said_is_so_after_the_first_boot_and_stays_when_the_seed_is_deleted()
    {
        await using var lab = await QemuLab.CreateAsync();
        string guest = await GuestImage.GetCloudAsync(Token);
        var backend = await lab.ConnectAsync(options => options.ImageDirectories.Add(guest));
        var hypervisor = backend.Get<IHypervisor>();
        var mac = MacAddress.Parse("52:54:00:12:34:56");
        var spec = Spec(lab, guest, "web1", spec =>
        {
            spec.Networks.Add(new NetworkSpec { Network = "user-restricted", Mac = mac });
            spec.Networks.Add(new NetworkSpec { Network = "user-restricted", Mac = MacAddress.Parse("52:54:00:12:34:57") });
        });
        spec.UseCloudInit(
            new CloudConfig
            {
                FullHostName = "web1.example.org",
                AllowSshPasswords = true,
                TimeZone = "Europe/Vienna",
                Users =
                {
                    new CloudUser
                    {
                        Name = "ana", FullName = "Ana \"A\" #1, 'B'", Shell = "/bin/bash", Groups = { "adm", "builders" }, Sudo = CloudUser.AllWithoutPassword, SshAuthorizedKeys = { Key },
                        Password = Secret.FromText("sword: #fish'\""),
                    },
                    new CloudUser { Name = "bob", Shell = "/bin/sh" },
                },
                Packages = { "hello" },
                Files = { CloudFile.FromText("/etc/motd.d/greeting", "a: b\n- \"c\" # d\n"), new CloudFile { Path = $"{Homes}/ana/mine", Content = new byte[] { 0, 255, 10 }, Owner = "ana:ana", Mode = "0600", AfterUsers = true } },
                RunCommands = { new[] { "touch", "/opt/a name; with $(everything)" }, new[] { "sh", "-c", "echo $((6 * 7)) >/opt/answer" } },
                FinalMessage = "first boot is done",
            },
            new CloudNetwork
            {
                Interfaces =
                {
                    new CloudInterface
                    {
                        Name = "lan0", Mac = mac, Addresses = { Cidr.Parse("10.0.2.15/24") }, Gateways = { IPAddress.Parse("10.0.2.2") }, NameServers = { IPAddress.Parse("10.0.2.3") }, SearchDomains = { "example.org" }, Mtu = 1400,
                    },
                    new CloudInterface { Name = "wan0", Mac = MacAddress.Parse("52:54:00:12:34:57"), IsOptional = true },
                },
            });
        var vm = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await FinishedAsync(lab, vm.Id, "first boot is done");

        Assert.Equal("done", await AskAsync("cloud-init status --wait | sed -n 's/^status: //p'"));
        Assert.Equal("nocloud", await AskAsync("cloud-id"));
        Assert.Equal(vm.Incarnation.ToString(), await AskAsync("cat /run/cloud-init/.instance-id"));
        Assert.Equal("web1 web1.example.org", await AskAsync("echo $(hostname) $(hostname -f)"));
        // Who the users are, what they may do, and with which word they come in.
        Assert.Equal($"Ana \"A\" #1, 'B':{Homes}/ana:/bin/bash", await AskAsync("getent passwd ana | cut -d: -f5-"));
        Assert.Equal("adm ana builders", await AskAsync("id -Gn ana | tr ' ' '\\n' | sort | tr '\\n' ' '"));
        Assert.Equal("root", await AskAsync("su ana -c 'sudo -n id -un'"));
        Assert.Equal(Key, await AskAsync($"cat {Homes}/ana/.ssh/authorized_keys"));
        Assert.Equal("600 ana", await AskAsync($"stat -c '%a %U' {Homes}/ana/.ssh/authorized_keys"));
        string hash = await AskAsync("getent shadow ana | cut -d: -f2");
        Assert.StartsWith("$6$", hash, StringComparison.Ordinal);
        string salt = hash.Split('$')[2];
        Assert.Equal(hash, await AskAsync($"python3 -W ignore -c 'import crypt, sys; print(crypt.crypt(sys.stdin.read(), \"$6${salt}$\"))' <<'END'\nsword: #fish'\"\nEND".Replace("sys.stdin.read()", "sys.stdin.read()[:-1]", StringComparison.Ordinal)));
        Assert.StartsWith("!", await AskAsync("getent shadow bob | cut -d: -f2"), StringComparison.Ordinal);
        Assert.Equal("no", await AskAsync("su bob -c 'sudo -n id -un' >/dev/null 2>&1 && echo yes || echo no"));
        Assert.Contains("passwordauthentication yes", await AskAsync("mkdir -p /run/sshd; sshd -T"), StringComparison.Ordinal);
        // What was written, installed and run.
        Assert.Equal("Hello, world!", await AskAsync("su ana -c hello"));
        Assert.Equal("a: b\n- \"c\" # d", await AskAsync("cat /etc/motd.d/greeting"));
        Assert.Equal("AP8K 600 ana", await AskAsync($"echo $(base64 {Homes}/ana/mine) $(stat -c '%a %U' {Homes}/ana/mine)"));
        Assert.Equal("/opt/a name; with $(everything)", await AskAsync("ls -d /opt/a*name*"));
        Assert.Equal("42", await AskAsync("cat /opt/answer"));
        Assert.Equal("/usr/share/zoneinfo/Europe/Vienna", await AskAsync("readlink -f /etc/localtime"));
        // The network, as netplan took it.
        Assert.Contains("10.0.2.15/24", await AskAsync("ip -br addr show lan0"), StringComparison.Ordinal);
        Assert.Contains("default via 10.0.2.2 dev lan0", await AskAsync("ip route"), StringComparison.Ordinal);
        Assert.Contains("mtu 1400", await AskAsync("ip link show lan0"), StringComparison.Ordinal);
        Assert.Contains("DNS=10.0.2.3", await AskAsync("cat /run/systemd/network/*lan0.network"), StringComparison.Ordinal);
        Assert.Contains("Domains=example.org", await AskAsync("cat /run/systemd/network/*lan0.network"), StringComparison.Ordinal);
        Assert.Contains("52:54:00:12:34:57", await AskAsync("ip -br link show wan0"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("DHCP=ipv4", await AskAsync("cat /run/systemd/network/*wan0.network"), StringComparison.Ordinal);

        // The seed has done its work: it goes from the guest that runs, and with it what may be secret.
        string machine = Path.Combine(lab.StateDirectory, "vms", vm.Id.ToString());
        Assert.Equal("/dev/vdb", await AskAsync("blkid -L cidata"));
        var plan = await hypervisor.PlanAsync(vm.Id, new InstanceChange { RemoveCloudInit = true }, Token);
        Assert.Equal(ChangeEffects.Live | ChangeEffects.DestroysData, plan.Effects);
        await hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("gone", await AskAsync("blkid -c /dev/null -L cidata || echo gone"));
        Assert.False(File.Exists(Path.Combine(machine, "disks", SeedMaker.File)));
        Assert.False(File.Exists(Path.Combine(machine, "cloud-init.json")));

        // Without it the next boot begins nothing anew.
        await AskAsync("rm /opt/answer; echo kept >/opt/kept; sync");
        await hypervisor.RestartAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.FromMinutes(2) }, null, Token).WaitForCompletionAsync(Token);
        await ReadyAsync(backend, vm.Id);
        Assert.Equal("kept", await AskAsync("cat /opt/kept"));
        Assert.Equal("no", await AskAsync("[ -e /opt/answer ] && echo yes || echo no"));
        Assert.Equal("web1 web1.example.org", await AskAsync("echo $(hostname) $(hostname -f)"));
        Assert.Equal(hash, await AskAsync("getent shadow ana | cut -d: -f2"));

        async Task<string> AskAsync(string script) => await QemuLab.ShellAsync(backend, vm.Id, script);
    }

    [Theory(Timeout = 600_000)]
    [InlineData("cd")]
    [InlineData("smbios")]
    public async Task The_other_ways_reach_it_too(string delivery)
    {
        await using var lab = await QemuLab.CreateAsync();
        string guest = await GuestImage.GetCloudAsync(Token);
        var backend = await lab.ConnectAsync(options => options.ImageDirectories.Add(guest));
        var hypervisor = backend.Get<IHypervisor>();
        var spec = Spec(lab, guest, "web2", _ => { });
        if (delivery == "cd")
            spec.UseCloudInit(new CloudConfig { RunCommands = { new[] { "touch", "/opt/marker" } } });
        spec.CloudInit ??= new CloudInitData();
        (spec.CloudInit.Delivery, spec.CloudInit.HostName, spec.CloudInit.InstanceDataId) = (delivery, "web2.example.org", "i-2");
        var vm = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await FinishedAsync(lab, vm.Id, " finished at ");

        Assert.Equal("i-2", await QemuLab.ShellAsync(backend, vm.Id, "cat /run/cloud-init/.instance-id"));
        Assert.Equal("nocloud", await QemuLab.ShellAsync(backend, vm.Id, "cloud-id"));
        Assert.Equal("web2", await QemuLab.ShellAsync(backend, vm.Id, "hostname"));
        Assert.Equal(delivery == "cd" ? "/opt/marker" : "none", await QemuLab.ShellAsync(backend, vm.Id, "ls /opt/marker 2>/dev/null || echo none"));
    }

    private static VirtualMachineSpec Spec(QemuLab lab, string guest, string name, Action<VirtualMachineSpec> configure) => lab.Spec(name, spec =>
    {
        spec.Sizing = new Sizing.Explicit(2, ByteSize.FromGiB(1));
        spec.Boot = new BootSource.Kernel(Path.Combine(guest, "vmlinuz"), Path.Combine(guest, "initrd"), GuestImage.CommandLine + " root=LABEL=cloudimg");
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage(Path.Combine(guest, "root.raw")) });
        configure(spec);
    });

    private static async Task FinishedAsync(QemuLab lab, InstanceId id, string words)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (!(await lab.ReadConsoleAsync(id)).Contains(words, StringComparison.Ordinal))
            Assert.True(await timer.WaitForNextTickAsync(Token));
    }

    private static async Task ReadyAsync(QemuBackend backend, InstanceId id)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (true)
        {
            try
            {
                await backend.Get<IGuestAgent>().GetInfoAsync(id, Token);
                return;
            }
            catch (HypervisorException)
            {
                Assert.True(await timer.WaitForNextTickAsync(Token));
            }
        }
    }
}
