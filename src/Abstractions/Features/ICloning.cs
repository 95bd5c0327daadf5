namespace Hypervisor.Sdk;

/// <summary>Makes instances from instances.</summary>
public interface ICloning
{
    /// <summary>Makes a stopped copy of a stopped instance or a template: same configuration, new identity (incarnation, hardware addresses).</summary>
    /// <exception cref="HypervisorException">The source runs, is paused or suspended, or has crashed and is not let go of yet (<see cref="ErrorCode.InvalidState"/>), or the name is taken (<see cref="ErrorCode.AlreadyExists"/>).</exception>
    Task<Operation<Instance>> CloneAsync(InstanceId source, CloneSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
