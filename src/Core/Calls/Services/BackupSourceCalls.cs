namespace Hypervisor.Sdk;

/// <summary><see cref="IBackupSource"/>, each call through the pipeline.</summary>
internal sealed class BackupSourceCalls(IBackupSource inner, CallPipeline calls) : IBackupSource
{
    public Task<BackupSession> BeginAsync(InstanceId id, BackupOptions? options = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("backupSource.begin", id, null, true), (inner, id, options), static (s, token) => s.inner.BeginAsync(s.id, s.options, token), cancellationToken);
}
