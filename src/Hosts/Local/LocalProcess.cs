using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>A program on this machine.</summary>
internal sealed class LocalProcess(ProcessConnection connection) : HostProcess
{
    public override Connection Connection => connection;

    public override int ProcessId => connection.ProcessId;

    public override Task<int> Exited => connection.Exited;

    public override string ErrorText => connection.ErrorText;

    public override async Task KillAsync(CancellationToken cancellationToken = default)
    {
        connection.Kill();
        await connection.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public override ValueTask DisposeAsync() => connection.DisposeAsync();
}
