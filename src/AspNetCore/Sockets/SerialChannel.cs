namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The text console of an instance.</summary>
internal sealed class SerialChannel(SocketSession session, uint number, InstanceRef target, ConsoleOptions options) : TerminalChannel(session, number, target)
{
    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        var backend = await Session.Services.Registry.GetAsync(Target.Backend, closing).ConfigureAwait(false);
        var console = await backend.Get<ISerialConsole>().OpenAsync(Target.Id, options, closing).ConfigureAwait(false);
        await using (console.ConfigureAwait(false))
        {
            await CopyAsync(console, console.CanResize ? console.ResizeAsync : null, closing).ConfigureAwait(false);
            await console.Completion.WaitAsync(closing).ConfigureAwait(false);
        }

        return "the console has ended";
    }
}
