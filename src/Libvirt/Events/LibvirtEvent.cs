namespace Hypervisor.Sdk.Libvirt;

/// <summary>An event. The kinds are the classes of the namespace <c>Protocol</c> whose names end in <c>Msg</c>, <c>DomainEventCallbackLifecycleMsg</c> for example.</summary>
public abstract class LibvirtEvent
{
    private protected LibvirtEvent()
    {
    }

    /// <summary>libvirt's name of the message.</summary>
    public abstract string Name { get; }

    /// <summary>What it is about.</summary>
    public abstract LibvirtEventSource Source { get; }

    /// <summary>The server's number of the registration that it belongs to.</summary>
    public int CallbackId { get; internal init; }

    /// <inheritdoc />
    public override string ToString() => Name;
}
