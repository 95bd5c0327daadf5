using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>The screen and the keyboard of a PC whose BIOS finds nothing to boot.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ScreenTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    [Feature("CON-13")]
    public async Task A_screen_with_a_password_lets_in_who_knows_it_and_has_another_after_the_next_start()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = await StartedAsync(hypervisor, new QemuMachine { ScreenPassword = true });
        var screens = backend.Get<IGraphicsConsole>();
        string password;
        await using (var session = await screens.OpenAsync(id, Token))
        {
            password = session.Password!.RevealText();
            Assert.Equal(8, password.Length);
            Assert.Equal(0u, await AuthenticateAsync(session, password));
        }

        await using (var stranger = await screens.OpenAsync(id, Token))
            Assert.Equal(1u, await AuthenticateAsync(stranger, "password"));

        // Whoever lists processes or reads what is written down of the machine does not learn it.
        int pid = backend.Services.State.ReadProcess(id.ToString())!.Pid;
        Assert.DoesNotContain(password, await File.ReadAllTextAsync($"/proc/{pid}/cmdline", Token), StringComparison.Ordinal);
        foreach (string file in Directory.GetFiles(lab.StateDirectory, "*.json", SearchOption.AllDirectories))
            Assert.DoesNotContain(password, await File.ReadAllTextAsync(file, Token), StringComparison.Ordinal);

        await hypervisor.RestartAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await using (var late = await screens.OpenAsync(id, Token))
        {
            Assert.NotEqual(password, late.Password!.RevealText());
            Assert.Equal(1u, await AuthenticateAsync(late, password));
        }
    }

    [Fact(Timeout = 120_000)]
    [Feature("CON-15")]
    public async Task A_screen_by_SPICE_takes_its_password_and_opens_the_main_channel()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var id = await StartedAsync(backend.Get<IHypervisor>(), new QemuMachine { ScreenProtocol = "spice", ScreenPassword = true });
        await using (var session = await backend.Get<IGraphicsConsole>().OpenAsync(id, Token))
        {
            Assert.Equal("spice", session.Protocol);
            Assert.Equal(0u, await LinkAsync(session, session.Password!.RevealText()));
            // SPICE_MSG_MAIN_INIT (103), the first message of the main channel: its header is serial, type, size, sub-messages.
            byte[] header = await ReadAsync(session, 18);
            Assert.Equal(103, BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(8)));
        }

        await using (var stranger = await backend.Get<IGraphicsConsole>().OpenAsync(id, Token))
            Assert.Equal(7u, await LinkAsync(stranger, "password"));

        var picture = await backend.Get<IGraphicsConsole>().CaptureAsync(id, Token);
        Assert.Equal("image/png", picture.MediaType);
    }

    [Fact(Timeout = 120_000)]
    public async Task Ctrl_alt_delete_restarts_a_PC_and_what_is_no_key_is_refused()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var keyboard = backend.Get<IKeyboard>();
        var id = await StartedAsync(hypervisor, new QemuMachine());
        await using var watch = await hypervisor.WatchAsync(null, Token);
        using var heard = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reset = WaitForResetAsync(watch, heard.Token);
        // A BIOS that still begins hears no keys: they are pressed until it does.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (!reset.IsCompleted)
        {
            await keyboard.PressAsync(id, ["ctrl", "alt", "delete"], Token);
            await timer.WaitForNextTickAsync(Token);
        }

        Assert.Equal(id, await reset);
        foreach (string[] keys in (string[][])[[], ["ctrl", "any"], [.. Enumerable.Repeat("a", 17)]])
            Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => keyboard.PressAsync(id, keys, Token))).Code);
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => keyboard.PressAsync(id, ["a"], Token))).Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task Ports_and_passwords_that_no_machine_can_have_are_refused_with_their_field()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        foreach (var (machine, field) in new[] { (new QemuMachine { SerialPorts = 5 }, "serialPorts"), (new QemuMachine { SerialPorts = 0 }, "serialPorts"), (new QemuMachine { Graphics = false, ScreenPassword = true }, "screenPassword"), (new QemuMachine { ScreenProtocol = "rdp" }, "screenProtocol") })
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("odd", spec => spec.Extensions.Set(machine)), null, Token));
            Assert.EndsWith(field, Assert.Single(refused.FieldErrors!).Key, StringComparison.Ordinal);
        }
    }

    private static async Task<InstanceId> StartedAsync(IHypervisor hypervisor, QemuMachine machine)
    {
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("screen", spec => spec.Extensions.Set(machine)), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        return created.Id;
    }

    private static async Task<InstanceId?> WaitForResetAsync(Subscription watch, CancellationToken cancellationToken)
    {
        await foreach (var happened in watch.WithCancellation(cancellationToken))
        {
            if (happened is OtherEvent { NativeType: "RESET" } reset)
                return reset.Id;
        }

        return null;
    }

    /// <summary>VNC authentication (RFC 6143, 7.2.2): the challenge is encrypted by DES with the password as the key, each of its bytes turned round. Returns the server's verdict, 0 for good.</summary>
    private static async Task<uint> AuthenticateAsync(GraphicsSession session, string password)
    {
        Assert.Equal("RFB 003.008\n", Encoding.ASCII.GetString(await ReadAsync(session, 12)));
        await session.Output.WriteAsync("RFB 003.008\n"u8.ToArray(), Token);
        Assert.Equal([2], await ReadAsync(session, (await ReadAsync(session, 1))[0]));
        await session.Output.WriteAsync(new byte[] { 2 }, Token);
        byte[] challenge = await ReadAsync(session, 16);
#pragma warning disable CA5351 // The protocol has no other cipher.
        using var cipher = DES.Create();
#pragma warning restore CA5351
        cipher.Key = [.. Encoding.ASCII.GetBytes(password).Select(Turned)];
        await session.Output.WriteAsync(cipher.EncryptEcb(challenge, PaddingMode.None), Token);
        byte[] verdict = await ReadAsync(session, 4);
        return BinaryPrimitives.ReadUInt32BigEndian(verdict);

        static byte Turned(byte value) => (byte)Enumerable.Range(0, 8).Sum(bit => ((value >> bit) & 1) << (7 - bit));
    }

    /// <summary>Links to the main channel (the SPICE protocol, "Link message"): names the channel, is given a key, sends the password encrypted with it. Returns the server's verdict, 0 for good, 7 for denied.</summary>
    private static async Task<uint> LinkAsync(GraphicsSession session, string password)
    {
        byte[] hello = new byte[16 + 18];
        "REDQ"u8.CopyTo(hello);
        // Version 2.2, the length of what follows: no connection yet, the main channel (1), number 0, no capabilities, whose place is after these 18 bytes.
        foreach (var (at, value) in new[] { (4, 2), (8, 2), (12, 18), (30, 18) })
            BinaryPrimitives.WriteInt32LittleEndian(hello.AsSpan(at), value);
        hello[20] = 1;
        await session.Output.WriteAsync(hello, Token);
        byte[] header = await ReadAsync(session, 16);
        Assert.True(header.AsSpan().StartsWith("REDQ"u8));
        byte[] reply = await ReadAsync(session, BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(12)));
        Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(reply));
        using var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(reply.AsSpan(4, 162), out _);
        await session.Output.WriteAsync(key.Encrypt(Encoding.ASCII.GetBytes(password + "\0"), RSAEncryptionPadding.OaepSHA1), Token);
        return BinaryPrimitives.ReadUInt32LittleEndian(await ReadAsync(session, 4));
    }

    private static async Task<byte[]> ReadAsync(GraphicsSession session, int bytes)
    {
        var read = await session.Input.ReadAtLeastAsync(bytes, Token);
        Assert.True(read.Buffer.Length >= bytes, "The server closed the connection.");
        byte[] taken = read.Buffer.Slice(0, bytes).ToArray();
        session.Input.AdvanceTo(read.Buffer.GetPosition(bytes));
        return taken;
    }
}
