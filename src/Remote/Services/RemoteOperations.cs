using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IOperations"/> over there, and what is asked about work that was begun.</summary>
internal sealed class RemoteOperations(RemoteCalls calls) : IOperations
{
    public async Task<Operation?> ResumeAsync(OperationToken token, CancellationToken cancellationToken = default)
    {
        var session = await calls.Change("operations.resume").With(token).OpenAsync(cancellationToken).ConfigureAwait(false);
        return session.Opened.Next<bool>() ? RemoteWork.MakeOfItsKind(session) : null;
    }

    public static void Serve(ServiceRoutes<IOperations> routes) => routes
        .Add("resume", static async (operations, call) => await call.Operations.KeepFoundAsync(call, await operations.ResumeAsync(call.Next<OperationToken>(), call.Token).ConfigureAwait(false)).ConfigureAwait(false));
}
