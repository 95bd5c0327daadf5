namespace Hypervisor.Sdk;

/// <summary><see cref="ICommands"/>, each call through the pipeline.</summary>
internal sealed class CommandsCalls(ICommands inner, CallPipeline calls) : ICommands
{
    public Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("commands.run", id, null, true, IsLong: true), (inner, id, spec, input), static (s, token) => s.inner.RunAsync(s.id, s.spec, s.input, token), cancellationToken);
}
