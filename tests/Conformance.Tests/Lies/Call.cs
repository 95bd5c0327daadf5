namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>A call that a driver is about to answer.</summary>
/// <param name="Client">The honest client behind it.</param>
/// <param name="ClientNumber">Which client of the target it is: 1 is the runner's.</param>
/// <param name="Method">The method: <c>StartAsync</c>, <c>get_Name</c>.</param>
/// <param name="Arguments">Its arguments; a lie may put others in their place.</param>
/// <param name="Next">The honest answer.</param>
internal sealed record Call(IBackend Client, int ClientNumber, string Method, object?[] Arguments, Func<object?> Next)
{
    public InstanceId Id => (InstanceId)Arguments[0]!;

    public IHypervisor Hypervisor => Client.Get<IHypervisor>();

    /// <summary>The honest answer with another argument in the place of the one of its type.</summary>
    public object? NextWith<T>(Func<T?, T?> change)
        where T : class
    {
        for (int i = 0; i < Arguments.Length; i++)
        {
            if (Arguments[i] is T || (Arguments[i] is null && Nullable(i, typeof(T))))
            {
                Arguments[i] = change((T?)Arguments[i]);
                break;
            }
        }

        return Next();
    }

    /// <summary>The honest answer to the call without a part of the request's options.</summary>
    public object? NextWithout(string requestOption) => NextWith<RequestOptions>(request => request is null ? null : Copy.With(request, (requestOption, null)));

    /// <summary>The types of the parameters, for arguments that are null.</summary>
    public required Type[] Parameters { get; init; }

    private bool Nullable(int index, Type type) => Parameters[index] == type;
}
