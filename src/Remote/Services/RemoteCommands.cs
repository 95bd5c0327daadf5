using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ICommands"/> over there.</summary>
internal sealed class RemoteCommands(RemoteCalls calls) : ICommands
{
    public Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default) =>
        calls.Change("commands.run").With(id).With(spec).With(input).SendAsync<CommandResult>(cancellationToken);

    public static void Serve(ServiceRoutes<ICommands> routes) => routes
        .Answer("run", static (commands, call) => commands.RunAsync(call.Next<InstanceId>(), call.Next<CommandSpec>(), call.Next<ReadOnlyMemory<byte>>(), call.Token));
}
