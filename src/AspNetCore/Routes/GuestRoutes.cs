using System.Globalization;
using System.Text;
using System.Text.Json;
using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>What a guest shows and says: console, screen, metrics, agent.</summary>
internal static class GuestRoutes
{
    private const string One = "/instances/{backend}/{id}";

    public static void Map(ApiRouter routes)
    {
        routes.Raw("GET", One + "/console/log", "getConsoleLog", "What the console has printed since the instance was started.", "text/plain; charset=utf-8", LogAsync, new ApiParameter("tail", "At most this many bytes, from the end.", "integer"));
        routes.Raw("GET", One + "/screenshot", "getScreenshot", "The screen as a picture.", "image/png", async call => await call.SendBytesAsync(await (await call.GetServiceAsync<IGraphicsConsole>().ConfigureAwait(false)).CaptureAsync(call.Instance, call.Aborted).ConfigureAwait(false)).ConfigureAwait(false));
        routes.Get(One + "/metrics", "getInstanceMetrics", "What the instance has used.", Located<InstanceMetrics>(), MetricsAsync);
        routes.Get(One + "/guest", "getGuest", "What the guest agent says of the guest.", Of<GuestInfo>(), async call => await call.WriteAsync(await (await call.GetServiceAsync<IGuestAgent>().ConfigureAwait(false)).GetInfoAsync(call.Instance, call.Aborted).ConfigureAwait(false)).ConfigureAwait(false));
        routes.Get(One + "/native", "getNativeDocument", "The backend's own description of the instance.", Of<NativeDocument>(), async call => await call.WriteAsync(await (await call.GetServiceAsync<INativeDocuments>().ConfigureAwait(false)).GetAsync(call.Instance, call.Aborted).ConfigureAwait(false)).ConfigureAwait(false));
        routes.Post(One + "/commands", "runCommand", "Runs a program in the guest and waits for it.", Of<CommandRequest>(),
            Object(("exitCode", Integer, false), ("signal", Text, false), ("output", Text, true), ("error", Text, true), ("isTruncated", Flag, true)), CommandAsync, new ApiParameter("encoding", "text (default: UTF-8) or base64, for output and error."));
    }

    private static async Task LogAsync(ApiCall call)
    {
        var console = await call.GetServiceAsync<ISerialConsole>().ConfigureAwait(false);
        long? tail = call.QueryText("tail") is { } text
            ? long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes : throw RequestRefusedException.Field("tail", $"The query parameter 'tail' is '{Echo.Short(text)}' and not a number of bytes.")
            : null;
        await call.SendStreamAsync(await console.OpenLogAsync(call.Instance, tail, call.Aborted).ConfigureAwait(false), "text/plain; charset=utf-8").ConfigureAwait(false);
    }

    private static async Task MetricsAsync(ApiCall call)
    {
        var metrics = await call.GetServiceAsync<IMetrics>().ConfigureAwait(false);
        var instance = await (await call.GetComputeAsync().ConfigureAwait(false)).GetAsync(call.Instance, call.Aborted).ConfigureAwait(false);
        await foreach (var sample in metrics.SampleAsync(new InstanceFilter { Name = instance.Name }, call.Aborted).ConfigureAwait(false))
        {
            if (sample.Id != instance.Id)
                continue;
            await call.WriteLocatedAsync(sample).ConfigureAwait(false);
            return;
        }

        throw new HypervisorException($"Instance '{instance.Id}' has no metrics while it is {instance.State}.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Backend = call.Backend, Resource = $"instance {instance.Id}" };
    }

    private static async Task CommandAsync(ApiCall call)
    {
        bool base64 = call.QueryText("encoding") switch
        {
            null or "text" => false,
            "base64" => true,
            var other => throw RequestRefusedException.Field("encoding", $"The query parameter 'encoding' is '{Echo.Short(other)}' and not text or base64."),
        };
        var body = await call.ReadAsync<CommandRequest>().ConfigureAwait(false);
        if (body.Command.Count == 0 || body.Command.Any(word => word is null || word.Contains('\0')))
            throw RequestRefusedException.Field("command", "The field 'command' is not a program with its arguments, none of them with a NUL character.");
        var spec = new CommandSpec { Command = body.Command, User = body.User, WorkingDirectory = body.WorkingDirectory };
        var commands = await call.GetServiceAsync<ICommands>().ConfigureAwait(false);
        var result = await commands.RunAsync(call.Instance, spec, Encoding.UTF8.GetBytes(body.Input ?? ""), call.Aborted).ConfigureAwait(false);
        await call.WriteAsync(writer => Write(writer, result, base64)).ConfigureAwait(false);
    }

    private static void Write(Utf8JsonWriter writer, CommandResult result, bool base64)
    {
        writer.WriteStartObject();
        if (result.ExitCode is { } exitCode)
            writer.WriteNumber("exitCode", exitCode);
        if (result.Signal is { } signal)
            writer.WriteString("signal", signal.ToString());
        writer.WriteString("output", base64 ? Convert.ToBase64String(result.Output.Span) : Encoding.UTF8.GetString(result.Output.Span));
        writer.WriteString("error", base64 ? Convert.ToBase64String(result.Error.Span) : Encoding.UTF8.GetString(result.Error.Span));
        writer.WriteBoolean("isTruncated", result.IsTruncated);
        writer.WriteEndObject();
    }
}
