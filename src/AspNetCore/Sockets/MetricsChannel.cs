namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Metrics at an interval. A client that reads slowly gets fewer samples, never old ones.</summary>
internal sealed class MetricsChannel(SocketSession session, uint number, TimeSpan interval) : SocketChannel(session, number)
{
    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        await SendAsync("opened", json => json.WriteNumber("interval", interval.TotalSeconds), closing).ConfigureAwait(false);
        using var timer = new PeriodicTimer(interval, Session.Services.Time);
        do
        {
            var sample = await Session.Services.Metrics.SampleAsync(interval / 2, closing).ConfigureAwait(false);
            await SendAsync("metrics", json => sample.WriteMembers(Session.Services.Json, json), closing).ConfigureAwait(false);
        }
        while (await timer.WaitForNextTickAsync(closing).ConfigureAwait(false));

        return "the server is stopping";
    }
}
