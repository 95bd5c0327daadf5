namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The moments of one operation, to its end.</summary>
internal sealed class OperationChannel(SocketSession session, uint number, string id) : SocketChannel(session, number)
{
    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        var operation = await Session.Services.Operations.GetAsync(id, closing).ConfigureAwait(false);
        await SendAsync("opened", null, closing).ConfigureAwait(false);
        await foreach (var moment in operation.WatchAsync(closing).ConfigureAwait(false))
        {
            await SendAsync("operation", json =>
            {
                json.WritePropertyName("operation");
                moment.Write(json);
            }, closing).ConfigureAwait(false);
        }

        return "the operation has ended";
    }
}
