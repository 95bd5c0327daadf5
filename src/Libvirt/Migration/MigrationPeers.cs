using System.Collections.Concurrent;
using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Migration;

/// <summary>The daemons that this process is connected to: a machine moves from one of them to another, and this process is between them.</summary>
internal static class MigrationPeers
{
    private static readonly ConcurrentDictionary<LibvirtParts, bool> s_connected = [];

    public static void Add(LibvirtParts parts) => s_connected[parts] = true;

    public static void Remove(LibvirtParts parts) => s_connected.TryRemove(parts, out _);

    /// <summary>The backend of a name; null when there is none, or more than one.</summary>
    public static LibvirtParts? Find(BackendName name) => s_connected.Keys.Where(parts => parts.Name == name).Take(2).ToList() is [var only] ? only : null;
}
