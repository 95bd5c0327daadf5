using System.IO.Pipelines;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>Runs a started program to its end: the same on every node.</summary>
internal static class CommandRun
{
    /// <summary>Starts the program with the sink for its standard error.</summary>
    public delegate Task<HostProcess> Starter(Func<ReadOnlyMemory<byte>, ValueTask> errors, CancellationToken cancellationToken);

    public static async Task<HostResult> ToEndAsync(HostCommand command, NodeName node, TimeProvider time, Starter start, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(command.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        var output = new OutputHead(command.MaxOutputBytes);
        var errors = new OutputHead(command.MaxOutputBytes);
        HostProcess? process = null;
        try
        {
            process = await start(bytes => Keep(errors, bytes), either.Token).ConfigureAwait(false);
            var written = WriteAsync(process.Connection.Output, command.Input);
            int code;
            try
            {
                await ReadAsync(process.Connection.Input, output, either.Token).ConfigureAwait(false);
                code = await process.Exited.WaitAsync(either.Token).ConfigureAwait(false);
                await written.WaitAsync(either.Token).ConfigureAwait(false);
            }
            catch (ConnectionClosedException)
            {
                // How the program ended says more: that the node was lost, for example.
                code = await process.Exited.WaitAsync(either.Token).ConfigureAwait(false);
            }

            lock (errors)
                return new HostResult { ExitCode = code, Output = output.Written, Error = errors.Written.ToArray(), IsTruncated = output.IsTruncated || errors.IsTruncated };
        }
        catch (OperationCanceledException)
        {
            if (process is not null)
                await process.KillAsync(CancellationToken.None).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            throw new HypervisorException($"'{command.Program}' on {node} was ended: it ran longer than {command.Timeout.TotalSeconds:0.###} s.", ErrorCode.Timeout, process is null ? RequestOutcome.Unknown : RequestOutcome.FailedMidway);
        }
        finally
        {
            if (process is not null)
                await process.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static ValueTask Keep(OutputHead errors, ReadOnlyMemory<byte> bytes)
    {
        lock (errors)
            errors.Append(bytes.Span);
        return ValueTask.CompletedTask;
    }

    private static async Task WriteAsync(PipeWriter output, ReadOnlyMemory<byte> input)
    {
        const int PieceBytes = 64 << 10;
        try
        {
            for (int offset = 0; offset < input.Length; offset += PieceBytes)
                await output.WriteAsync(input[offset..Math.Min(input.Length, offset + PieceBytes)]).ConfigureAwait(false);
            await output.CompleteAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // A program need not read its input. How it ended is what counts.
        }
    }

    private static async Task ReadAsync(PipeReader input, OutputHead output, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            output.Append(read.Buffer);
            input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return;
        }
    }
}
