namespace Hypervisor.Sdk;

/// <summary><see cref="IMigration"/>, each call through the pipeline.</summary>
internal sealed class MigrationCalls(IMigration inner, CallPipeline calls) : IMigration
{
    public Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("migration.check", id, null, false), (inner, id, target), static (s, token) => s.inner.CheckAsync(s.id, s.target, token), cancellationToken);

    public Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("migration.migrate", id, request, true), (inner, id, target, options, request), static (s, token) => s.inner.MigrateAsync(s.id, s.target, s.options, s.request, token), cancellationToken);
}
