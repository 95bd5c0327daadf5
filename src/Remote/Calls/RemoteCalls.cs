using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>What every service of the backend calls through.</summary>
internal sealed class RemoteCalls(RemoteLink link, WireJson json, BackendName backend, TimeProvider time)
{
    public RemoteLink Link => link;

    public WireJson Json => json;

    public BackendName Backend => backend;

    public TimeProvider Time => time;

    /// <summary>Refuses a name that the backend does not take, before anything is sent.</summary>
    public void Check(InstanceName name)
    {
        // One that is none at all is misuse, which the other end says.
        if (!name.IsDefault && !link.Last.Info.Naming.Accepts(name.ToString(), out string? problem))
            throw new HypervisorException(problem, ErrorCode.InvalidArgument, RequestOutcome.NotSent) { Backend = backend, FieldErrors = new Dictionary<string, string> { ["name"] = problem } };
    }

    /// <summary>Refuses an extension that is meant for the backend and cannot be sent; those of other kinds of backends are left out, as a driver does.</summary>
    public void Check(SpecExtensions extensions)
    {
        foreach (var extension in extensions.All)
        {
            if (!json.Knows(extension) && string.Equals(extension.BackendKind, link.Last.Info.Kind, StringComparison.Ordinal))
                throw new HypervisorException($"The extension {extension.GetType().Name} of the spec has no JSON form here: register it with {nameof(ModelJsonOptions)}.{nameof(ModelJsonOptions.AddSpecExtension)}, at both ends.", ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = backend };
        }
    }

    /// <summary>A call that changes nothing.</summary>
    public RemoteCall Ask(string name) => new(this, name, changes: false, null);

    /// <summary>A call that changes something: whether it did is unknown when it is not answered.</summary>
    public RemoteCall Change(string name) => new(this, name, changes: true, null);
}
