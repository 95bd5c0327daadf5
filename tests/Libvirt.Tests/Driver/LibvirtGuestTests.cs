using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>What is about the inside of machines, of a real daemon with a real guest.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class LibvirtGuestTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("CON-02")]
    [Feature("CON-07")]
    [Feature("CON-16")]
    public async Task A_guest_is_typed_to_and_read_by_its_console_shown_by_its_screen_and_asked_by_its_agent()
    {
        await using var guest = await LibvirtGuest.BootAsync(libvirtd);
        await SerialConsoleAsync(guest);
        await ScreenAsync(guest);
        await AgentAsync(guest);
        await CommandsAsync(guest);
        await FilesAsync(guest);
        await guest.Hypervisor.StopAsync(guest.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Contains(GuestImage.ReadyText, await LogAsync(guest, null), StringComparison.Ordinal);
        var stopped = await Assert.ThrowsAsync<HypervisorException>(() => guest.Backend.Get<ISerialConsole>().OpenAsync(guest.Id, null, Token));
        Assert.Equal(ErrorCode.InvalidState, stopped.Code);
    }

    private async Task SerialConsoleAsync(LibvirtGuest guest)
    {
        var console = guest.Backend.Get<ISerialConsole>();
        Assert.Contains(GuestImage.ReadyText, await LogAsync(guest, null), StringComparison.Ordinal);
        Assert.Equal(10, (await LogAsync(guest, 10)).Length);
        await using var session = await console.OpenAsync(guest.Id, new ConsoleOptions { ReplayTail = new ByteSize(4096) }, Token);
        await LibvirtGuest.ReadUntilAsync(session, GuestImage.ReadyText);
        await session.Output.WriteAsync("echo $((6*7))-typed\n"u8.ToArray(), Token);
        await LibvirtGuest.ReadUntilAsync(session, "42-typed");

        var locked = await Assert.ThrowsAsync<HypervisorException>(() => console.OpenAsync(guest.Id, null, Token));
        Assert.Equal((ErrorCode.Locked, RequestOutcome.Rejected), (locked.Code, locked.Outcome));
        var missing = await Assert.ThrowsAsync<HypervisorException>(() => console.OpenAsync(guest.Id, new ConsoleOptions { Port = 1 }, Token));
        Assert.Equal(ErrorCode.NotFound, missing.Code);
        // Another process's session is another connection of the daemon's: it says so itself.
        await using var other = await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"{LibvirtGuest.Driver}?socket={libvirtd.Socket}", DomainType = "qemu" }, Token);
        var elsewhere = await Assert.ThrowsAsync<HypervisorException>(() => other.Get<ISerialConsole>().OpenAsync(guest.Id, null, Token));
        Assert.Equal(ErrorCode.Locked, elsewhere.Code);
        await using var taken = await other.Get<ISerialConsole>().OpenAsync(guest.Id, new ConsoleOptions { TakeOver = true }, Token);
        var lost = await Assert.ThrowsAsync<HypervisorException>(() => session.Completion.WaitAsync(Token));
        Assert.Equal(ErrorCode.Locked, lost.Code);
        await taken.Output.WriteAsync("echo $((5*5))-again\n"u8.ToArray(), Token);
        await LibvirtGuest.ReadUntilAsync(taken, "25-again");
    }

    private static async Task ScreenAsync(LibvirtGuest guest)
    {
        var screen = guest.Backend.Get<IGraphicsConsole>();
        var picture = await screen.CaptureAsync(guest.Id, Token);
        Assert.Equal("image/png", picture.MediaType);
        Assert.Equal("PNG"u8.ToArray(), picture.Content.Slice(1, 3).ToArray());
        await using var session = await screen.OpenAsync(guest.Id, Token);
        Assert.Equal("vnc", session.Protocol);
        Assert.NotNull(session.Password);
        // RFC 6143, 7.1: the version of each, then the ways to authenticate, of which there is one: 2, a challenge of VNC's (7.2.2) that the password answers.
        Assert.Equal("RFB 003.008\n", Encoding.ASCII.GetString(await ReadAsync(session, 12)));
        await session.Output.WriteAsync("RFB 003.008\n"u8.ToArray(), Token);
        Assert.Equal(new byte[] { 1, 2 }, await ReadAsync(session, 2));
        var xml = Encoding.UTF8.GetString((await guest.Backend.Get<INativeDocuments>().GetAsync(guest.Id, Token)).Content.Span);
        Assert.DoesNotContain("passwd=", xml, StringComparison.Ordinal);
        await guest.Backend.Get<IKeyboard>().PressAsync(guest.Id, ["ret"], Token);
        var unknown = await Assert.ThrowsAsync<HypervisorException>(() => guest.Backend.Get<IKeyboard>().PressAsync(guest.Id, ["nosuchkey"], Token));
        Assert.Equal(ErrorCode.InvalidArgument, unknown.Code);
    }

    private static async Task AgentAsync(LibvirtGuest guest)
    {
        var info = await guest.Backend.Get<IGuestAgent>().GetInfoAsync(guest.Id, Token);
        Assert.StartsWith("qemu-ga ", info.Agent, StringComparison.Ordinal);
        Assert.Equal("inside", info.HostName);
        Assert.Contains(info.Networks, network => network.Name == "lo" && network.Addresses.Contains(Cidr.Parse("127.0.0.1/8")));
    }

    private static async Task CommandsAsync(LibvirtGuest guest)
    {
        var commands = guest.Backend.Get<ICommands>();
        var result = await commands.RunAsync(guest.Id, new CommandSpec { Command = ["cat"], MaxOutputBytes = 5 }, "1234567"u8.ToArray(), Token);
        Assert.Equal(("12345", true, 0), (Encoding.UTF8.GetString(result.Output.Span), result.IsTruncated, result.ExitCode!.Value));
        Assert.Equal(1, (await commands.RunAsync(guest.Id, new CommandSpec { Command = ["false"] }, default, Token)).ExitCode);
        var missing = await Assert.ThrowsAsync<HypervisorException>(() => commands.RunAsync(guest.Id, new CommandSpec { Command = ["/no/such/program"] }, default, Token));
        Assert.Equal(ErrorCode.NotFound, missing.Code);
    }

    private static async Task FilesAsync(LibvirtGuest guest)
    {
        var files = guest.Backend.Get<IGuestFiles>();
        byte[] content = new byte[(2 * GuestAgentFiles.MaxPartBytes) + 17];
        new Random(7).NextBytes(content);
        const string Path = "/data/-a file; $(id)";
        var attributes = new GuestFileAttributes { UserId = 12, GroupId = 34, Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead };
        await files.WriteAsync(guest.Id, Path, new MemoryStream(content), attributes, Token);
        Assert.Equal($"440 12 34 {Convert.ToHexStringLower(SHA256.HashData(content))}", await guest.RunAsync("sh", "-c", "echo $(stat -c '%a %u %g' \"$1\") $(sha256sum < \"$1\" | cut -d ' ' -f 1)", "sh", Path));
        await using (var read = await files.OpenReadAsync(guest.Id, Path, Token))
        {
            using var back = new MemoryStream();
            await read.CopyToAsync(back, Token);
            Assert.Equal(content, back.ToArray());
        }

        var listed = Assert.Single(await files.ListAsync(guest.Id, "/data", Token).ToListAsync(Token), file => file.Name == Path[6..]);
        Assert.Equal(("file", content.Length, 12, 34, attributes.Mode), (listed.Kind, listed.Size!.Value.Bytes, listed.Attributes!.UserId, listed.Attributes.GroupId, listed.Attributes.Mode));
        await files.DeleteAsync(guest.Id, Path, Token);
        await RefusedAsync(ErrorCode.NotFound, () => files.OpenReadAsync(guest.Id, Path, Token));
        await RefusedAsync(ErrorCode.InvalidArgument, () => files.OpenReadAsync(guest.Id, "/dev/null", Token));
        await RefusedAsync(ErrorCode.InvalidState, () => files.DeleteAsync(guest.Id, "/bin", Token));
        // The agent opens it itself, and its shell is not asked before: what it says in words has a code.
        await guest.RunAsync("mount", "-t", "tmpfs", "-o", "ro", "none", "/mnt");
        await RefusedAsync(ErrorCode.Denied, () => files.WriteAsync(guest.Id, "/mnt/file", new MemoryStream(content), null, Token));
        await RefusedAsync(ErrorCode.Denied, () => files.WriteAsync(guest.Id, "/mnt/file", new MemoryStream(content), attributes, Token));

        async Task RefusedAsync(ErrorCode code, Func<Task> call) => Assert.Equal(code, (await Assert.ThrowsAsync<HypervisorException>(call)).Code);
    }

    private static async Task<string> LogAsync(LibvirtGuest guest, long? tail)
    {
        await using var log = await guest.Backend.Get<ISerialConsole>().OpenLogAsync(guest.Id, tail, Token);
        using var text = new MemoryStream();
        await log.CopyToAsync(text, Token);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private static async Task<byte[]> ReadAsync(GraphicsSession session, int bytes)
    {
        var read = await session.Input.ReadAtLeastAsync(bytes, Token);
        byte[] head = read.Buffer.Slice(0, bytes).ToArray();
        session.Input.AdvanceTo(read.Buffer.GetPosition(bytes));
        return head;
    }
}
