using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IKeyboard"/> over there.</summary>
internal sealed class RemoteKeyboard(RemoteCalls calls) : IKeyboard
{
    public Task PressAsync(InstanceId id, IReadOnlyList<string> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return calls.Change("keyboard.press").With(id).WithMany(keys).SendAsync(cancellationToken);
    }

    public static void Serve(ServiceRoutes<IKeyboard> routes) => routes
        .Do("press", static (keyboard, call) => keyboard.PressAsync(call.Next<InstanceId>(), call.NextMany<string>(), call.Token));
}
