using System.IO.Pipelines;

namespace Hypervisor.Sdk.Hosts;

/// <summary>Hands what a program writes to standard error to a pipe of the caller.</summary>
internal static class ErrorPipe
{
    public static Func<ReadOnlyMemory<byte>, ValueTask>? SinkOf(PipeWriter? writer) => writer is null ? null : async bytes =>
    {
        if (bytes.IsEmpty)
            await writer.CompleteAsync().ConfigureAwait(false);
        else
            await writer.WriteAsync(bytes).ConfigureAwait(false);
    };
}
