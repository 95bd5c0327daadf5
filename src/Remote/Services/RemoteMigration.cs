using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IMigration"/> over there. A backend that is the target is looked for in the other process.</summary>
internal sealed class RemoteMigration(RemoteCalls calls) : IMigration
{
    public Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default) =>
        calls.Ask("migration.check").With(id).With(target).SendAsync<MigrationCheck>(cancellationToken);

    public Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("migration.migrate").With(id).With(target).With(options).With(request).BeginAsync<Instance>(cancellationToken);

    public static void Serve(ServiceRoutes<IMigration> routes) => routes
        .Answer("check", static (migration, call) => migration.CheckAsync(call.Next<InstanceId>(), call.Next<MigrationTarget>(), call.Token))
        .Begin("migrate", static (migration, call) => migration.MigrateAsync(call.Next<InstanceId>(), call.Next<MigrationTarget>(), call.Find<MigrationOptions>(), call.Find<RequestOptions>(), call.Token));
}
