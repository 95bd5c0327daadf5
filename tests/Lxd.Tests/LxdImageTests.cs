using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Lxd.Driver;
using Hypervisor.Sdk.Lxd.Tests.Lab;
using Hypervisor.Sdk.Testing.Lxd;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>The images of real servers, out, in, copied and made.</summary>
[Peer("lxd")]
public sealed class LxdImageTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task An_image_is_made_of_a_container_goes_out_and_comes_in_again(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var source = await RunningContainer.StartAsync(server, "imaged");
        var (images, containers) = (source.Backend.Get<ILxdImages>(), source.Backend.Get<IContainerRuntime>());
        await RunAsync(source, "echo first > /mark");
        Assert.Equal(ErrorCode.InvalidState, await RefusedAsync(() => images.PublishAsync(source.Id, null, null, Token)));
        await source.Backend.Get<ISnapshots>().CreateAsync(source.Id, new SnapshotSpec { Name = SnapshotName.Parse("early") }, null, Token).WaitForCompletionAsync(Token);
        await RunAsync(source, "echo second > /mark");
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => images.PublishAsync(source.Id, SnapshotName.Parse("never"), null, Token)));
        var early = await images.PublishAsync(source.Id, SnapshotName.Parse("early"), new LxdImageSpec { Aliases = { "made/early" } }, Token);
        await containers.StopAsync(source.Id, new StopOptions(), null, Token).WaitForCompletionAsync(Token);
        var late = await images.PublishAsync(source.Id, null, new LxdImageSpec { Aliases = { "made/now", "made/late:1" }, Properties = { ["os"] = "of ours & more" }, IsPublic = true }, Token);
        Assert.Equal((true, "of ours & more"), (late.Public, late.Properties!["os"]));
        Assert.Equal(["made/late:1", "made/now"], late.Aliases!.Select(alias => alias.Name).Order(StringComparer.Ordinal));
        Assert.Equal(late.Fingerprint, (await images.FindAsync("made/now", Token))!.Fingerprint);
        Assert.Contains(await images.ListAsync(Token), image => image.Fingerprint == early.Fingerprint);
        var listed = await source.Backend.Get<IImages>().ListAsync(Token).ToListAsync(Token);
        var one = Assert.Single(listed, image => image.Id == "made/late:1");
        Assert.Equal(("made/late:1", "container", late.Size), (one.Name, one.Kind, one.Size?.Bytes));
        Assert.DoesNotContain(listed, image => image.Id == "made/now" || image.Id == late.Fingerprint);
        await MarkAsync("made/early", "first");
        await MarkAsync("made/late:1", "second");

        // Out: what the stream gives has the fingerprint.
        byte[] archive = await ReadAsync(await images.ExportAsync("made/now", Token));
        Assert.Equal(late.Fingerprint, Convert.ToHexStringLower(SHA256.HashData(archive)));

        // An alias moves; the image goes with those that it has, and what was made of it stays.
        await images.SetAliasAsync("made/now", early.Fingerprint!, "an older one", Token);
        await images.SetAliasAsync("made/now", "made/early", null, Token);
        var moved = (await images.FindAsync("made/now", Token))!;
        Assert.Equal((early.Fingerprint, "an older one"), (moved.Fingerprint, moved.Aliases!.Single(alias => alias.Name == "made/now").Description));
        await images.DeleteAsync("made/late:1", Token);
        Assert.Null(await images.FindAsync(late.Fingerprint!, Token));
        Assert.Null(await images.FindAsync("made/late:1", Token));
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => images.ExportAsync(late.Fingerprint!, Token)));

        // In again, as what it was and as nothing else.
        Assert.NotNull(await Record.ExceptionAsync(() => images.ImportAsync(new MemoryStream(archive), new LxdImageSpec { Fingerprint = early.Fingerprint![..63] + (early.Fingerprint[63] == '0' ? '1' : '0') }, Token)));
        Assert.DoesNotContain(await images.ListAsync(Token), image => image.Fingerprint == late.Fingerprint);
        var again = await images.ImportAsync(new MemoryStream(archive), new LxdImageSpec { Fingerprint = late.Fingerprint!.ToUpperInvariant(), Aliases = { "made/again" }, Properties = { ["hvsdk"] = "a=b&c d/é" } }, Token);
        Assert.Equal((late.Fingerprint, "a=b&c d/é"), (again.Fingerprint, again.Properties!["hvsdk"]));
        await MarkAsync("made/again", "second");
        foreach (string? fingerprint in new[] { late.Fingerprint, null })
            Assert.Equal(ErrorCode.AlreadyExists, await RefusedAsync(() => images.ImportAsync(new MemoryStream(archive), new LxdImageSpec { Fingerprint = fingerprint }, Token)));
        await Assert.ThrowsAnyAsync<HypervisorException>(() => images.ImportAsync(new MemoryStream("no image"u8.ToArray()), null, Token));

        await images.RemoveAliasAsync("made/now", Token);
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => images.RemoveAliasAsync("made/now", Token)));
        foreach (string image in new[] { "made/again", "made/early" })
            await images.DeleteAsync(image, Token);
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => images.DeleteAsync("made/again", Token)));

        async Task MarkAsync(string image, string mark)
        {
            var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("of-image"), Image = image }, null, Token).WaitForCompletionAsync(Token);
            await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
            var said = await source.Commands.RunAsync(made.Id, new CommandSpec { Command = ["cat", "/mark"] }, default, Token);
            Assert.Equal(mark + "\n", Encoding.UTF8.GetString(said.Output.Span));
            await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task An_image_is_copied_from_a_server_of_images(ServerKind kind)
    {
        byte[] archive = await BusyboxImage.MakeAsync("tiny", Token);
        await using var streams = new ImageStreams(archive, kind);

        // It has the machine's network, where the test serves.
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = (await lab.GetAsync(kind, hasOwnNetwork: false)).Socket } }, Token);
        var images = backend.Get<ILxdImages>();
        var copied = await images.CopyAsync(streams.Address, "tiny/1", new LxdImageSpec { Aliases = { "copied" } }, null, Token);
        Assert.Equal((streams.Fingerprint, "tiny"), (copied.Fingerprint, copied.Properties!["os"]));
        Assert.Equal(archive, await ReadAsync(await images.ExportAsync("copied", Token)));

        // What it has already stays, with further aliases, and is not deleted where another was expected.
        var again = await images.CopyAsync(streams.Address, "tiny/1", new LxdImageSpec { Aliases = { "copied/again" } }, null, Token);
        Assert.Equal(["copied", "copied/again"], again.Aliases!.Select(alias => alias.Name).Order(StringComparer.Ordinal));
        Assert.Equal(ErrorCode.InvalidArgument, await RefusedAsync(() => images.CopyAsync(streams.Address, "tiny/1", new LxdImageSpec { Fingerprint = new string('0', 64) }, null, Token)));
        foreach (string alias in new[] { "copied", "copied/again" })
            await images.RemoveAliasAsync(alias, Token);
        Assert.Equal(streams.Fingerprint, (await images.CopyAsync(streams.Address, "tiny/1", null, null, Token)).Fingerprint);
        await images.DeleteAsync(streams.Fingerprint, Token);
        Assert.Equal(ErrorCode.InvalidArgument, await RefusedAsync(() => images.CopyAsync(streams.Address, "tiny/1", new LxdImageSpec { Fingerprint = new string('0', 64) }, null, Token)));
        Assert.Null(await images.FindAsync(streams.Fingerprint, Token));
        await Assert.ThrowsAnyAsync<HypervisorException>(() => images.CopyAsync(streams.Address, "not/there", null, null, Token));

        // What is not what was promised is not kept.
        streams.Spoil();
        await Assert.ThrowsAnyAsync<HypervisorException>(() => images.CopyAsync(streams.Address, "tiny/1", null, null, Token));
        Assert.Null(await images.FindAsync(streams.Fingerprint, Token));
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_cannot_name_an_image_is_refused_before_it_is_sent(ServerKind kind)
    {
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = (await lab.GetAsync(kind)).Socket } }, Token);
        var images = backend.Get<ILxdImages>();
        var anywhere = new Uri("https://images.invalid");
        foreach (var refused in new Func<Task>[]
        {
            () => images.FindAsync("../instances/a", Token), () => images.FindAsync("", Token), () => images.FindAsync("a//b", Token), () => images.FindAsync("a b", Token), () => images.FindAsync("/a", Token),
            () => images.DeleteAsync("a/../b", Token), () => images.ExportAsync("a\0", Token), () => images.SetAliasAsync("a\nb", "busybox", null, Token), () => images.RemoveAliasAsync(".", Token),
            () => images.SetAliasAsync(new string('a', 256), "busybox", null, Token), () => images.ImportAsync(Stream.Null, new LxdImageSpec { Fingerprint = "../etc" }, Token),
            () => images.ImportAsync(Stream.Null, new LxdImageSpec { Aliases = { "a?b" } }, Token), () => images.ImportAsync(Stream.Null, new LxdImageSpec { Properties = { ["a\r\nX-Other"] = "1" } }, Token),
            () => images.CopyAsync(new Uri("file:///etc"), "a", null, null, Token), () => images.CopyAsync(new Uri("https://user:word@images.invalid"), "a", null, null, Token), () => images.CopyAsync(anywhere, "a/../b", null, null, Token),
            () => images.PublishAsync(InstanceId.Parse("any"), null, new LxdImageSpec { Fingerprint = new string('0', 64) }, Token),
        })
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(refused);
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
        }

        Assert.Null(await images.FindAsync(new string('0', 64), Token));
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => images.PublishAsync(InstanceId.Parse("not-there"), null, null, Token)));
    }

    [Fact(Timeout = 60_000)]
    public async Task What_has_another_fingerprint_is_told_at_its_end()
    {
        byte[] bytes = [1, 2, 3];
        string own = Convert.ToHexStringLower(SHA256.HashData(bytes));
        await using var right = new FingerprintStream(new MemoryStream(bytes), own, leaveOpen: false);
        Assert.Equal(0, await right.ReadAsync(Memory<byte>.Empty, Token));
        Assert.Equal(bytes, await ReadAsync(right));
        Assert.Equal(own, right.Fingerprint);
        await using var wrong = new FingerprintStream(new MemoryStream(bytes), new string('0', 64), leaveOpen: false);
        await wrong.ReadExactlyAsync(new byte[3], Token);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await wrong.ReadAtLeastAsync(new byte[1], 1, false, Token));
    }

    private static async Task RunAsync(RunningContainer guest, string command) => Assert.Equal(0, (await guest.RunAsync("sh", "-c", command)).ExitCode);

    private static async Task<ErrorCode> RefusedAsync(Func<Task> call) => (await Assert.ThrowsAnyAsync<HypervisorException>(call)).Code;

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        await using (stream)
        {
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, Token);
            return bytes.ToArray();
        }
    }

    /// <summary>A server of images by the simplestreams protocol, with one image.</summary>
    private sealed class ImageStreams : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Dictionary<string, byte[]> _files;
        private readonly Task _serving;

        public ImageStreams(byte[] archive, ServerKind kind)
        {
            Fingerprint = Convert.ToHexStringLower(SHA256.HashData(archive));
            string type = kind == ServerKind.Lxd ? "lxd_combined.tar.gz" : "incus_combined.tar.gz";
            const string Products = """
                {"content_id":"images","datatype":"image-downloads","format":"products:1.0","products":{"tiny:1:amd64":{"aliases":"tiny/1,tiny","arch":"amd64","os":"tiny","release":"1","release_title":"1","versions":{
                "20260101_00:00":{"items":{"TYPE":{"ftype":"TYPE","path":"images/tiny.tar.gz","sha256":"SHA256","size":SIZE}}}}}}}
                """;
            _files = new()
            {
                ["/streams/v1/index.json"] = """{"format":"index:1.0","index":{"images":{"datatype":"image-downloads","path":"streams/v1/images.json","format":"products:1.0","products":["tiny:1:amd64"]}}}"""u8.ToArray(),
                ["/streams/v1/images.json"] = Encoding.UTF8.GetBytes(Products.Replace("TYPE", type, StringComparison.Ordinal).Replace("SHA256", Fingerprint, StringComparison.Ordinal).Replace("SIZE", archive.Length.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)), ["/images/tiny.tar.gz"] = archive,
            };
            _listener.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
            _serving = ServeAsync();
        }

        public Uri Address { get; }

        public string Fingerprint { get; }

        /// <summary>From now on the archive is another one than is said of it.</summary>
        public void Spoil()
        {
            byte[] other = [.. _files["/images/tiny.tar.gz"]];
            other[^1] ^= 1;
            _files["/images/tiny.tar.gz"] = other;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Dispose();
            await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                try
                {
                    await AnswerAsync(client.GetStream());
                }
                catch (IOException)
                {
                    // It asked no further.
                }
            }
        }

        private async Task AnswerAsync(NetworkStream stream)
        {
            using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
            string[] request = (await reader.ReadLineAsync(_stop.Token) ?? "").Split(' ');
            while (!string.IsNullOrEmpty(await reader.ReadLineAsync(_stop.Token)))
                continue;
            byte[]? file = request.Length > 1 ? _files.GetValueOrDefault(request[1]) : null;
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(file is null ? "404 Not Found" : "200 OK")}\r\nContent-Length: {file?.Length ?? 0}\r\nConnection: close\r\n\r\n"), _stop.Token);
            if (file is not null && request[0] != "HEAD")
                await stream.WriteAsync(file, _stop.Token);
        }
    }
}
