using System.IO.Pipelines;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt.Consoles;

/// <summary>A connection to the emulator's server of a screen.</summary>
/// <param name="connection">The connection; owned.</param>
/// <param name="carrier">What carries it and ends with it; owned.</param>
/// <param name="protocol">What is spoken there.</param>
/// <param name="password">What the viewer must say.</param>
internal sealed class ScreenSession(Connection connection, IAsyncDisposable? carrier, string protocol, Secret? password) : GraphicsSession
{
    public override string Protocol => protocol;

    public override Secret? Password => password;

    public override PipeReader Input => connection.Input;

    public override PipeWriter Output => connection.Output;

    public override async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync().ConfigureAwait(false);
        if (carrier is not null)
            await carrier.DisposeAsync().ConfigureAwait(false);
    }
}
