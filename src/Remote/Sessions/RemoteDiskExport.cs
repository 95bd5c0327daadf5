using Hypervisor.Sdk.Remote.Calls;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A disk that is handed to other programs over there, at an address of that node.</summary>
internal sealed class RemoteDiskExport(RemoteSession session) : DiskExport
{
    public override Uri Address { get; } = new(session.Opened.Next<string>());

    public override ValueTask DisposeAsync() => session.DisposeAsync();
}
