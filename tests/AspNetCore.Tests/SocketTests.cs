using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;

namespace Hypervisor.Sdk.AspNetCore.Tests;

public sealed class SocketTests
{
    [Fact(Timeout = 30_000)]
    public async Task Events_begin_with_everything_that_is_there_and_go_on_with_changes()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a");
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        Assert.Equal("opened", (string?)(await socket.ReceiveAsync()).Json!["op"]);
        var first = (await socket.ReceiveAsync("event", 1))["event"]!;
        Assert.Equal("instanceObserved", (string?)first["kind"]);
        Assert.Equal("a", (string?)first["instance"]!["id"]);
        Assert.Equal("synchronized", (string?)(await socket.ReceiveAsync("event", 1))["event"]!["kind"]);

        await host.PostAsync("/instances/local/a/start");
        var change = await socket.ReceiveAsync("event", 1);
        Assert.Equal("local", (string?)change["backend"]);
        Assert.Equal("instanceStateChanged", (string?)change["event"]!["kind"]);
        Assert.Equal("running", (string?)change["event"]!["to"]);
        host.Backend.Add("b");
        Assert.Equal("instanceCreated", (string?)(await socket.ReceiveAsync("event", 1))["event"]!["kind"]);

        host.Backend.Publish(new EventGap { At = DateTimeOffset.UnixEpoch, Position = host.Backend.Next(), Reason = "the connection was lost" });
        Assert.Equal("eventGap", (string?)(await socket.ReceiveAsync("event", 1))["event"]!["kind"]);
        Assert.Equal("a", (string?)(await socket.ReceiveAsync("event", 1))["event"]!["instance"]!["id"]);
        Assert.Equal("b", (string?)(await socket.ReceiveAsync("event", 1))["event"]!["instance"]!["id"]);
        Assert.Equal("synchronized", (string?)(await socket.ReceiveAsync("event", 1))["event"]!["kind"]);
    }

    [Fact(Timeout = 30_000)]
    public async Task All_sockets_share_one_watch_and_the_last_one_ends_it()
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal(0, host.Backend.Watches);
        var sockets = new List<TestSocket>();
        for (int i = 0; i < 5; i++)
        {
            var socket = await host.ConnectAsync();
            sockets.Add(socket);
            await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
            await socket.ReceiveAsync("event", 1);
        }

        Assert.Equal(1, host.Backend.Watches);
        foreach (var socket in sockets)
        {
            await socket.SendAsync("""{"op":"close","channel":1}""");
            await socket.ReceiveAsync("closed", 1);
            await socket.DisposeAsync();
        }

        Assert.Equal(0, host.Backend.Watches);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_backend_that_fails_is_said_and_holds_up_no_other()
    {
        await using var host = await ApiHost.StartAsync(null, null, "alpha", "beta");
        host.Backends[0].Failure = new BackendConnectionException("The daemon is gone.", ErrorCode.Unavailable, RequestOutcome.NotSent);
        host.Backends[1].Add("vm");
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        bool seenVm = false, seenFailure = false;
        while (!seenVm || !seenFailure)
        {
            var message = (await socket.ReceiveAsync()).Json!;
            seenVm |= (string?)message["event"]?["instance"]?["id"] == "vm";
            seenFailure |= (string?)message["op"] == "backend" && (string?)message["backend"] == "alpha" && (string?)message["state"] == "disconnected" && (string?)message["reason"] == "The daemon is gone.";
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task A_backend_that_is_added_or_loses_its_connection_is_said()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a");
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await socket.ReceiveAsync("event", 1);
        host.Backend.Disconnect("cable pulled");
        var said = await socket.ReceiveAsync("backend", 1);
        while ((string?)said["state"] != "disconnected")
            said = await socket.ReceiveAsync("backend", 1);
        Assert.Equal("cable pulled", (string?)said["reason"]);
    }

    [Fact(Timeout = 30_000)]
    public async Task Metrics_come_at_their_interval_and_one_sample_serves_all_sockets()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await ApiHost.StartAsync(time: clock);
        host.Backend.Add("a", PowerState.Running);
        await using var one = await host.ConnectAsync();
        await using var other = await host.ConnectAsync();
        foreach (var socket in new[] { one, other })
        {
            await socket.SendAsync("""{"op":"open","channel":7,"kind":"metrics","interval":2}""");
            var sample = await socket.ReceiveAsync("metrics", 7);
            Assert.Equal("local", (string?)sample["instances"]![0]!["backend"]);
            Assert.Equal(1.5, (double?)sample["instances"]![0]!["cpuTime"]);
            Assert.Equal("no counters", (string?)sample["instances"]![0]!["unavailable"]!["networkReceivedBytes"]);
            Assert.Equal("here", (string?)sample["nodes"]![0]!["node"]);
        }

        Assert.Equal(1, host.Backend.Samples);
        clock.Advance(TimeSpan.FromSeconds(2));
        await one.ReceiveAsync("metrics", 7);
        await other.ReceiveAsync("metrics", 7);
        Assert.Equal(2, host.Backend.Samples);
    }

    [Fact(Timeout = 30_000)]
    public async Task An_operation_is_followed_to_its_end()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a");
        host.Backend.HoldsWork = true;
        var (_, operation) = await host.PostAsync("/instances/local/a/start");
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync($$"""{"op":"open","channel":3,"kind":"operation","id":"{{operation["id"]}}"}""");
        Assert.Equal("running", (string?)(await socket.ReceiveAsync("operation", 3))["operation"]!["state"]);
        host.Backend.Held.Single().Succeed(host.Backend.Machines["a"]);
        var ended = (await socket.ReceiveAsync("operation", 3))["operation"]!;
        Assert.Equal("succeeded", (string?)ended["state"]);
        Assert.Equal("a", (string?)ended["result"]!["id"]);
        await socket.ReceiveAsync("closed", 3);
    }

    [Fact(Timeout = 30_000)]
    [Feature("CON-12")]
    public async Task Two_consoles_on_one_socket_are_independent()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a", PowerState.Running);
        host.Backend.Add("b", PowerState.Running);
        await using var socket = await host.ConnectAsync();
        foreach (var (channel, id) in new[] { (1u, "a"), (2u, "b") })
        {
            await socket.SendAsync($$"""{"op":"open","channel":{{channel}},"kind":"serial","backend":"local","instance":"{{id}}","replay":16384}""");
            Assert.True((bool?)(await socket.ReceiveAsync("opened", channel))["canResize"]);
        }

        await socket.SendBytesAsync(1, "uname -a\n"u8);
        await socket.SendBytesAsync(2, "id\n"u8);
        Assert.Equal("uname -a\n", await ReadAsync(host.Backend.Consoles["a"].Keyboard));
        Assert.Equal("id\n", await ReadAsync(host.Backend.Consoles["b"].Keyboard));
        await host.Backend.Consoles["b"].Guest.WriteAsync("uid=0(root)"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("uid=0(root)", await socket.ReceiveTextUntilAsync(2, ")"));
        await socket.SendAsync("""{"op":"resize","channel":1,"columns":132,"rows":43}""");
        await host.Backend.Consoles["a"].Guest.WriteAsync("Linux"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("Linux", await socket.ReceiveTextUntilAsync(1, "Linux"));
        Assert.Equal((132, 43), await host.Backend.Consoles["a"].Size.Task.WaitAsync(TestContext.Current.CancellationToken));
        Assert.False(host.Backend.Consoles["b"].Size.Task.IsCompleted);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_console_that_is_in_use_is_refused_and_taking_it_over_ends_the_other()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a", PowerState.Running);
        await using var first = await host.ConnectAsync();
        await first.SendAsync("""{"op":"open","channel":1,"kind":"serial","backend":"local","instance":"a"}""");
        await first.ReceiveAsync("opened", 1);
        await using var second = await host.ConnectAsync();
        await second.SendAsync("""{"op":"open","channel":1,"kind":"serial","backend":"local","instance":"a"}""");
        Assert.Equal("locked", (string?)(await second.ReceiveAsync("error", 1))["problem"]!["code"]);
        await second.SendAsync("""{"op":"open","channel":1,"kind":"serial","backend":"local","instance":"a","takeOver":true}""");
        await second.ReceiveAsync("opened", 1);
        Assert.Equal("Somebody else has taken the console over.", (string?)(await first.ReceiveAsync("error", 1))["problem"]!["detail"]);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_console_without_credit_stalls_alone_and_goes_on_when_it_gets_some()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("busy", PowerState.Running);
        host.Backend.Add("quiet", PowerState.Running);
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"serial","backend":"local","instance":"busy"}""");
        await socket.ReceiveAsync("opened", 1);
        await socket.SendAsync("""{"op":"open","channel":2,"kind":"serial","backend":"local","instance":"quiet"}""");
        await socket.ReceiveAsync("opened", 2);
        using var ending = new CancellationTokenSource();
        var printing = PrintForeverAsync(host.Backend.Consoles["busy"].Guest, ending.Token);
        int received = 0;
        while (received < SocketSession.WindowBytes)
            received += (await socket.ReceiveAsync()).Bytes.Length;
        Assert.Equal(SocketSession.WindowBytes, received);

        await host.Backend.Consoles["quiet"].Guest.WriteAsync("hello"u8.ToArray(), TestContext.Current.CancellationToken);
        var next = await socket.ReceiveAsync();
        Assert.Equal((2u, "hello"), (next.Channel, Encoding.UTF8.GetString(next.Bytes)));
        await socket.SendAsync("""{"op":"credit","channel":1,"bytes":1000}""");
        received = 0;
        while (received < 1000)
        {
            next = await socket.ReceiveAsync();
            Assert.Equal(1u, next.Channel);
            received += next.Bytes.Length;
        }

        Assert.Equal(1000, received);
        await ending.CancelAsync();
        await printing;
    }

    [Fact(Timeout = 30_000)]
    public async Task What_is_typed_is_credited_and_more_than_the_credit_closes_the_socket()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a", PowerState.Running);
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"serial","backend":"local","instance":"a"}""");
        await socket.ReceiveAsync("opened", 1);
        byte[] piece = new byte[64 << 10];
        await socket.SendBytesAsync(1, piece);
        var keyboard = host.Backend.Consoles["a"].Keyboard;
        for (int taken = 0; taken < piece.Length;)
        {
            var read = await keyboard.ReadAsync(TestContext.Current.CancellationToken);
            taken += (int)read.Buffer.Length;
            keyboard.AdvanceTo(read.Buffer.End);
        }

        Assert.Equal(piece.Length, (int?)(await socket.ReceiveAsync("credit", 1))["bytes"]);

        // Nobody reads now: the console takes its own buffer, the window takes the rest, and one byte more is too many.
        for (int i = 0; i < 5; i++)
            await socket.SendBytesAsync(1, piece);
        var close = await socket.ReceiveCloseAsync();
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, close.Close);
        Assert.Contains("credit", close.Reason, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task The_screen_is_a_channel_that_carries_its_protocol()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a", PowerState.Running);
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync("""{"op":"open","channel":9,"kind":"graphics","backend":"local","instance":"a"}""");
        Assert.Equal("vnc", (string?)(await socket.ReceiveAsync("opened", 9))["protocol"]);
        Assert.Equal("RFB 003.008\n", await socket.ReceiveTextUntilAsync(9, "\n"));
        await socket.SendBytesAsync(9, "RFB 003.003\n"u8);
        Assert.Equal("RFB 003.003\n", await socket.ReceiveTextUntilAsync(9, "\n"));
    }

    [Fact(Timeout = 30_000)]
    [Feature("CON-14")]
    public async Task A_ticket_opens_one_screen_once()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await ApiHost.StartAsync(time: clock);
        host.Backend.Add("a", PowerState.Running);
        host.Backend.Add("off");
        var (_, session) = await host.PostAsync("/instances/local/a/graphics");
        Assert.Equal("vnc", (string?)session["protocol"]);
        var url = new Uri((string)session["webSocketUrl"]!);
        Assert.Equal(host.Address.Authority, url.Authority);
        string path = url.PathAndQuery["/api/v1".Length..];

        await using (var screen = await host.ConnectAsync(path: path, protocol: "binary"))
        {
            byte[] greeting = new byte[12];
            await screen.Socket.ReceiveAsync(greeting.AsMemory(), TestContext.Current.CancellationToken);
            Assert.Equal("RFB 003.008\n", Encoding.ASCII.GetString(greeting));
            await screen.Socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
            var echo = await screen.Socket.ReceiveAsync(greeting.AsMemory(), TestContext.Current.CancellationToken);
            Assert.Equal("hello", Encoding.ASCII.GetString(greeting, 0, echo.Count));
            await screen.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
        }

        await Assert.ThrowsAsync<WebSocketException>(() => host.ConnectAsync(path: path, protocol: "binary"));
        var (_, late) = await host.PostAsync("/instances/local/a/graphics");
        clock.Advance(TimeSpan.FromSeconds(31));
        await Assert.ThrowsAsync<WebSocketException>(() => host.ConnectAsync(path: new Uri((string)late["webSocketUrl"]!).PathAndQuery["/api/v1".Length..], protocol: "binary"));
        Assert.Equal(System.Net.HttpStatusCode.Conflict, (await host.PostAsync("/instances/local/off/graphics")).Response.StatusCode);
    }

    [Theory(Timeout = 30_000)]
    [InlineData("{", "not JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("""{"op":"open"}""", "no channel")]
    [InlineData("""{"op":"dance","channel":1}""", "dance")]
    [InlineData("""{"op":"open","channel":-1,"kind":"events"}""", "channel")]
    [InlineData("""{"op":"open","channel":1,"kind":"events","colour":"red"}""", "colour")]
    [InlineData("""{"op":"open","channel":1,"kind":"metrics","interval":0}""", "interval")]
    [InlineData("""{"op":"open","channel":"one","kind":"events"}""", "channel")]
    public async Task A_message_that_breaks_the_rules_closes_the_socket_with_the_reason(string message, string reason)
    {
        await using var host = await ApiHost.StartAsync();
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync(message);
        var close = await socket.ReceiveCloseAsync();
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, close.Close);
        Assert.Contains(reason, close.Reason, StringComparison.Ordinal);
    }

    [Theory(Timeout = 30_000)]
    [InlineData("""{"op":"open","channel":1,"kind":"nonesuch"}""", "kind")]
    [InlineData("""{"op":"open","channel":1,"kind":"serial","instance":"a"}""", "backend")]
    [InlineData("""{"op":"open","channel":1,"kind":"serial","backend":"NOT A NAME","instance":"a"}""", "backend")]
    public async Task A_channel_that_cannot_be_opened_is_an_error_and_the_socket_goes_on(string message, string field)
    {
        await using var host = await ApiHost.StartAsync();
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync(message);
        Assert.NotNull((await socket.ReceiveAsync("error", 1))["problem"]!["fieldErrors"]![field]);
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await socket.ReceiveAsync("opened", 1);
        await socket.SendAsync("""{"op":"open","channel":2,"kind":"serial","backend":"local","instance":"nonesuch"}""");
        Assert.Equal("not-found", (string?)(await socket.ReceiveAsync("error", 2))["problem"]!["code"]);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_flood_of_channels_and_frames_that_are_too_long_are_refused()
    {
        await using var host = await ApiHost.StartAsync();
        await using var socket = await host.ConnectAsync();
        for (int i = 1; i <= SocketSession.MaxChannels; i++)
            await socket.SendAsync($$"""{"op":"open","channel":{{i}},"kind":"metrics","interval":60}""");
        await socket.SendAsync($$"""{"op":"open","channel":1000,"kind":"metrics"}""");
        Assert.Equal("exhausted", (string?)(await socket.ReceiveAsync("error", 1000))["problem"]!["code"]);

        await socket.SendAsync(new string(' ', SocketSession.MaxTextBytes + 1));
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, (await socket.ReceiveCloseAsync()).Close);
        await using var other = await host.ConnectAsync();
        await other.SendBytesAsync(1, new byte[SocketSession.MaxBinaryBytes + 1]);
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, (await other.ReceiveCloseAsync()).Close);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_client_that_does_not_read_is_closed_with_1013_and_others_do_not_notice()
    {
        await using var host = await ApiHost.StartAsync(options => options.MaxQueuedEvents = 64);
        host.Backend.Add("a");
        await using var slow = await host.ConnectAsync();
        await slow.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await slow.ReceiveAsync("event", 1);
        await slow.ReceiveAsync("event", 1);
        for (int i = 0; i < 20_000; i++)
            host.Backend.Publish(new OtherEvent { At = DateTimeOffset.UnixEpoch, Position = host.Backend.Next(), NativeType = new string('x', 4000) });
        var close = await slow.ReceiveCloseAsync();
        Assert.Equal(1013, (int)close.Close!);
        await using var other = await host.ConnectAsync();
        await other.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await other.ReceiveAsync("event", 1);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_server_that_stops_says_goodbye()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a", PowerState.Running);
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await socket.SendAsync("""{"op":"open","channel":2,"kind":"serial","backend":"local","instance":"a"}""");
        await socket.ReceiveAsync("opened", 2);
        var stopping = host.StopAsync();
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, (await socket.ReceiveCloseAsync()).Close);
        await socket.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
        await stopping;
        Assert.Equal(0, host.Backend.Watches);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_foreign_origin_a_missing_subprotocol_and_too_many_sockets_are_refused()
    {
        await using var host = await ApiHost.StartAsync(options =>
        {
            options.MaxSockets = 1;
            options.AllowedOrigins.Add("https://console.example.org");
        });
        await Assert.ThrowsAsync<WebSocketException>(() => host.ConnectAsync(options => options.SetRequestHeader("Origin", "https://evil.example")));
        await Assert.ThrowsAsync<WebSocketException>(() => host.ConnectAsync(protocol: "other"));
        await using (var allowed = await host.ConnectAsync(options => options.SetRequestHeader("Origin", "https://console.example.org")))
            await Assert.ThrowsAsync<WebSocketException>(() => host.ConnectAsync());
        Assert.Equal(System.Net.HttpStatusCode.UpgradeRequired, (await host.GetAsync("/ws")).Response.StatusCode);
    }

    private static async Task<string> ReadAsync(PipeReader reader)
    {
        var read = await reader.ReadAsync(TestContext.Current.CancellationToken);
        string text = Encoding.UTF8.GetString(read.Buffer);
        reader.AdvanceTo(read.Buffer.End);
        return text;
    }

    private static async Task PrintForeverAsync(PipeWriter guest, CancellationToken cancellationToken)
    {
        byte[] line = new byte[4096];
        try
        {
            while (true)
                await guest.WriteAsync(line, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The test has seen enough.
        }
    }

    [Theory]
    [InlineData("""{"op":"open","channel":1,"kind":"serial","backend":"local","instance":"\ud800"}""")]
    [InlineData("""{"op":"open","channel":1,"\ud800":"x"}""")]
    [InlineData("""{"op":"\ud800","channel":1}""")]
    [InlineData("""{"op":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ud83d\ude00","channel":1}""")]
    public async Task Half_a_character_in_a_message_closes_the_socket_with_1008(string message)
    {
        await using var host = await ApiHost.StartAsync();
        await using var socket = await host.ConnectAsync();
        await socket.SendAsync(message);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, (await socket.ReceiveCloseAsync()).Close);
    }
}
