using System.Buffers;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Tests.Guests;

public sealed class ScreenTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_viewer_is_greeted_and_given_the_picture()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeRunningAsync("web1");
        await using var screen = await dc.Backend.Get<IGraphicsConsole>().OpenAsync(vm.Id, Token);
        Assert.Equal("RFB 003.008\n", Encoding.ASCII.GetString(await ReadAsync(screen, 12)));
        await screen.Output.WriteAsync("RFB 003.008\n"u8.ToArray(), Token);
        Assert.Equal([1, 1], await ReadAsync(screen, 2));
        await screen.Output.WriteAsync(new byte[] { 1 }, Token);
        Assert.Equal([0, 0, 0, 0], await ReadAsync(screen, 4));
        await screen.Output.WriteAsync(new byte[] { 1 }, Token);
        byte[] init = await ReadAsync(screen, 28);
        Assert.Equal((320, 200, "web1"), ((init[0] << 8) + init[1], (init[2] << 8) + init[3], Encoding.ASCII.GetString(init[24..])));
        // Asked in two pieces, as a network may bring it.
        await screen.Output.WriteAsync(new byte[] { 3, 0, 0, 0, 0 }, Token);
        await screen.Output.WriteAsync(new byte[] { 0, 1, 64, 0, 200 }, Token);
        byte[] update = await ReadAsync(screen, 16 + (320 * 200 * 4));
        Assert.True(update[16..].Distinct().Count() > 4, "The picture is one colour.");
        await screen.Output.WriteAsync(new byte[] { 99 }, Token);
        Assert.True((await screen.Input.ReadAsync(Token)).IsCompleted);

        var capture = await dc.Backend.Get<IGraphicsConsole>().CaptureAsync(vm.Id, Token);
        Assert.Equal("image/png", capture.MediaType);
        Assert.Equal("PNG"u8.ToArray(), capture.Content[1..4].ToArray());
    }

    [Fact(Timeout = 60_000)]
    public async Task Ctrl_Alt_Delete_boots_the_guest_anew_and_a_key_that_there_is_not_is_named()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeRunningAsync("web1");
        var keyboard = dc.Backend.Get<IKeyboard>();
        var shell = dc.Backend.Get<ICommands>();
        dc.Clock.Advance(TimeSpan.FromHours(1));
        await keyboard.PressAsync(vm.Id, ["ctrl", "a"], Token);
        Assert.Contains("up 0 days, 01:", await UptimeAsync(), StringComparison.Ordinal);
        await keyboard.PressAsync(vm.Id, ["ctrl", "alt", "delete"], Token);
        dc.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Contains("up 0 days, 00:", await UptimeAsync(), StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<HypervisorException>(() => keyboard.PressAsync(vm.Id, ["ctrl", "any"], Token));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
        Assert.Contains("'any'", error.FieldErrors!["keys"], StringComparison.Ordinal);

        async Task<string> UptimeAsync() => Encoding.ASCII.GetString((await shell.RunAsync(vm.Id, new CommandSpec { Command = ["uptime"] }, default, Token)).Output.Span);
    }

    private static async Task<byte[]> ReadAsync(GraphicsSession screen, int count)
    {
        var read = await screen.Input.ReadAtLeastAsync(count, Token);
        byte[] bytes = read.Buffer.Slice(0, count).ToArray();
        screen.Input.AdvanceTo(read.Buffer.GetPosition(count));
        return bytes;
    }
}
