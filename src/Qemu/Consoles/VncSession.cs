using System.IO.Pipelines;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>A connection to QEMU's VNC server. It asks for no password: the socket's directory is private.</summary>
internal sealed class VncSession(Connection connection) : GraphicsSession
{
    public override string Protocol => "vnc";

    public override Secret? Password => null;

    public override PipeReader Input => connection.Input;

    public override PipeWriter Output => connection.Output;

    public override ValueTask DisposeAsync() => connection.DisposeAsync();
}
