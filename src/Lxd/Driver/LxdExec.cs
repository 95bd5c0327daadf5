using System.Buffers;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Commands in containers: an operation of the server with a WebSocket for each of the command's streams, and one for signals and sizes.</summary>
internal sealed class LxdExec(LxdParts parts, ContainerWork work) : IExec, ICommands
{
    /// <summary>The servers give up on a command whose streams are not connected within 5 or 10 s of the request, before they start it.</summary>
    private const int Attempts = 3;
    private const int NotFound = 127;

    /// <summary>Of the client's connections so many may wait for the ends of commands; further commands wait only when they end.</summary>
    private readonly LxdExecSession.Waits _waits = new(Math.Max(1, parts.Options.Connection.MaxConnections / 2));

    public async Task<ExecSession> StartAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken = default) => await OpenAsync(id, spec, cancellationToken).ConfigureAwait(false);

    public async Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        var session = await OpenAsync(id, spec, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            using var given = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var writing = WriteAsync(session, input, given);
            try
            {
                return await ReadAsync(session, spec.MaxOutputBytes, given.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (writing.IsFaulted)
            {
                await writing.ConfigureAwait(false);
                throw;
            }
            finally
            {
                await session.DisposeAsync().ConfigureAwait(false);
                await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static async Task WriteAsync(LxdExecSession session, ReadOnlyMemory<byte> input, CancellationTokenSource given)
    {
        try
        {
            await session.WriteAsync(input, given.Token).ConfigureAwait(false);
            await session.CompleteInputAsync(given.Token).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.InvalidState)
        {
            // It has ended, and did not want all of it.
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            await given.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<CommandResult> ReadAsync(LxdExecSession session, int maxOutputBytes, CancellationToken cancellationToken)
    {
        const int BufferBytes = 64 << 10;
        var (output, error) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        bool isTruncated = false;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            ExecRead read;
            while ((read = await session.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)).Channel != ExecChannel.End)
            {
                var kept = read.Channel == ExecChannel.StandardOutput ? output : error;
                int count = Math.Min(read.Count, maxOutputBytes - kept.WrittenCount);
                kept.Write(buffer.AsSpan(0, count));
                isTruncated |= count < read.Count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return new CommandResult { ExitCode = session.ExitCode, Output = output.WrittenMemory, Error = error.WrittenMemory, IsTruncated = isTruncated };
    }

    private async Task<LxdExecSession> OpenAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Refuse(spec);
        var facts = await work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        if (facts.State != PowerState.Running)
            throw Refusal.InvalidState(id, $"'{id}' is {facts.State}: commands are run in what runs.");
        var post = await PostOfAsync(id, spec, cancellationToken).ConfigureAwait(false);
        return await OpenAsync(id, post, token => IsMissingAsync(id, post, token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins a command and connects its streams, upon which the server starts it.</summary>
    private async Task<LxdExecSession> OpenAsync(InstanceId id, LxdInstanceExecPost post, Func<CancellationToken, Task<bool>>? isMissing, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            var begun = await parts.Client.InstanceExecPostAsync(id.ToString(), post, cancellationToken: cancellationToken).ConfigureAwait(false);
            var session = new LxdExecSession(parts, id, post, begun, _waits, isMissing);
            try
            {
                await session.ConnectAsync(cancellationToken).ConfigureAwait(false);
                return session;
            }
            catch (Exception error)
            {
                bool isLate = attempt < Attempts && error is HypervisorException and not BackendConnectionException && await session.IsLateAsync(cancellationToken).ConfigureAwait(false);
                await session.DisposeAsync().ConfigureAwait(false);
                if (!isLate)
                    throw;
            }
        }
    }

    /// <summary>The servers say the same of a program that is not there and of one that exits with 127: whether it is there is asked of the guest, by which(1) or test(1).</summary>
    private async Task<bool> IsMissingAsync(InstanceId id, LxdInstanceExecPost post, CancellationToken cancellationToken)
    {
        var question = new LxdInstanceExecPost
        {
            Command = [.. GuestAgentExec.LookUp(post.Command![0])],
            Cwd = post.Cwd, Environment = post.Environment, User = post.User, Group = post.Group, Interactive = false, WaitForWebsocket = true,
        };
        var session = await OpenAsync(id, question, null, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
            return await ReadAsync(session, 0, cancellationToken).ConfigureAwait(false) is { ExitCode: > 0 and < NotFound - 1 };
    }

    private void Refuse(CommandSpec spec)
    {
        var problems = CommandProblems.Of(spec, "the server passes it on in the clear, and shows it in the operation");
        if (spec.WorkingDirectory is { } directory && (!directory.StartsWith('/') || directory.Contains('\0', StringComparison.Ordinal)))
            problems["workingDirectory"] = $"'{directory.Replace('\0', '?')}' is not the absolute path of a directory.";
        if (spec.User is { } user && (user.Length == 0 || user.Any(char.IsControl)))
            problems["user"] = "It is neither a name, nor a number, nor USER:GROUP in numbers.";
        CommandProblems.Refuse(problems, parts.Name);
    }

    private async Task<LxdInstanceExecPost> PostOfAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in spec.Environment)
            environment[name] = value.TryGetText(out string? text) ? text : "";
        if (spec.Terminal)
            environment.TryAdd("TERM", "xterm");
        var post = new LxdInstanceExecPost { Command = [.. spec.Command], Environment = environment, Cwd = spec.WorkingDirectory, Interactive = spec.Terminal, WaitForWebsocket = true };
        if (spec.Terminal)
            (post.Width, post.Height) = (80, 24);
        if (spec.User is { } wanted)
        {
            var user = await ContainerUser.FindAsync(parts.Client, id, wanted, cancellationToken).ConfigureAwait(false);
            (post.User, post.Group) = (user.Id, user.Group);
            if (user.Name is { } name)
                environment.TryAdd("USER", name);
            if (user.Home is { } home)
                environment.TryAdd("HOME", home);
        }

        return post;
    }
}
