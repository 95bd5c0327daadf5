namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The screen of an instance.</summary>
internal sealed class GraphicsChannel(SocketSession session, uint number, InstanceRef target) : ByteChannel(session, number, target)
{
    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        var backend = await Session.Services.Registry.GetAsync(Target.Backend, closing).ConfigureAwait(false);
        var graphics = await backend.Get<IGraphicsConsole>().OpenAsync(Target.Id, closing).ConfigureAwait(false);
        await using (graphics.ConfigureAwait(false))
        {
            await SendAsync("opened", json =>
            {
                json.WriteString("protocol", graphics.Protocol);

                // The viewer must say it: this socket is as private as the sign-in behind it.
                if (graphics.Password is { } password)
                    json.WriteString("password", password.Reveal());
            }, closing).ConfigureAwait(false);
            await CopyAsync(graphics, closing).ConfigureAwait(false);
        }

        return "the screen has ended";
    }
}
