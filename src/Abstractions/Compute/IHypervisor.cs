namespace Hypervisor.Sdk;

/// <summary>Runs virtual machines.</summary>
public interface IHypervisor : ICompute
{
    /// <summary>Creates a virtual machine. It is left stopped.</summary>
    /// <param name="spec">What to make. Read before the call returns, and not kept.</param>
    /// <param name="request">The identity of this request: the same <see cref="RequestOptions.RequestId"/> again returns the machine that it made.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), or a field is not acceptable (<see cref="ErrorCode.InvalidArgument"/>, <see cref="ErrorCode.Unsupported"/>).</exception>
    Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
