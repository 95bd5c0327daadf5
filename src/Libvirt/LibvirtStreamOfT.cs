using Hypervisor.Sdk.Libvirt.Rpc;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>A stream whose call has a result beside it: the MIME type of a screenshot, the cookie of a migration.</summary>
public sealed class LibvirtStream<T> : LibvirtStream
{
    private LibvirtStream(LibvirtSession session)
        : base(session)
    {
    }

    /// <summary>What the call answered.</summary>
    public T Result { get; internal set; } = default!;

    internal static new LibvirtStream<T> Create(LibvirtSession session) => new(session);
}
