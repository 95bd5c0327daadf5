using System.IO.Pipelines;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>A connection to QEMU's server of a screen. The socket's directory is private; where the machine wants a password beside, the session says it.</summary>
internal sealed class ScreenSession(Connection connection, string protocol, Secret? password) : GraphicsSession
{
    public override string Protocol => protocol;

    public override Secret? Password => password;

    public override PipeReader Input => connection.Input;

    public override PipeWriter Output => connection.Output;

    public override ValueTask DisposeAsync() => connection.DisposeAsync();
}
