using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// Files of guests like Linux by the QEMU guest agent, whatever carries its messages. Content goes by the agent's own calls for files, <see cref="MaxPartBytes"/> at a time; what those cannot say or do (what a path leads to, lists, owners and
/// modes, deletions) the guest's shell is asked for by <c>guest-exec</c>. So the guest needs an agent that runs commands, a POSIX shell, and <c>stat -c</c>, <c>xargs -0</c> and <c>head -c</c> as GNU and busybox have them.
/// </summary>
/// <remarks>
/// <para>Every file that was opened is closed, also after an error. Who gives up does not wait for the guest: what is under way is awaited and the file closed behind the caller's back.</para>
/// <para>A file is written in its place: a link leads to what is written, and owner and mode of what is there stay where none are asked for. Those that are asked for hold before the first byte is there.</para>
/// </remarks>
public sealed class GuestAgentFiles : IGuestFiles
{
    /// <summary>How much of a file one message holds: 64 KiB, which is 88 KiB in Base64.</summary>
    public const int MaxPartBytes = 64 << 10;

    /// <summary>How much a list may take, in bytes: as Base64 it fits a message of libvirt's.</summary>
    private const int MaxListBytes = 2 << 20;

    private const int MaxAnswerBytes = 4096;

    private readonly ICommands _commands;
    private readonly Func<InstanceId, string, string, Task<IGuestAgentFile>> _open;
    private readonly BackendName _backend;

    /// <summary>Makes the role.</summary>
    /// <param name="commands">Commands in the same guests.</param>
    /// <param name="open">Has the agent open a file (<c>guest-file-open</c>): the instance, the path, the mode as fopen(3) has it. It ends by itself, at the latest when the agent has been silent for too long.</param>
    /// <param name="backend">Who says what is wrong.</param>
    public GuestAgentFiles(ICommands commands, Func<InstanceId, string, string, Task<IGuestAgentFile>> open, BackendName backend)
    {
        ArgumentNullException.ThrowIfNull(commands);
        ArgumentNullException.ThrowIfNull(open);
        (_commands, _open, _backend) = (commands, open, backend);
    }

    /// <inheritdoc />
    public async Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default)
    {
        GuestFileProblems.Refuse(path);
        var (word, _) = await AskAsync(id, path, GuestAgentScripts.Look, MaxAnswerBytes, cancellationToken).ConfigureAwait(false);
        RequireFile(id, path, word);
        return new GuestAgentRead(await OpenAsync(id, path, "r", cancellationToken).ConfigureAwait(false), error => Because(error, id, path, error.Outcome), _backend);
    }

    /// <inheritdoc />
    public async Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        GuestFileProblems.Refuse(path);
        GuestFileProblems.Refuse(attributes);
        var (word, _) = await AskAsync(id, path, GuestAgentScripts.Prepare, MaxAnswerBytes, cancellationToken, OwnerOf(attributes), attributes?.Mode is { } mode ? "0" + Convert.ToString((int)mode, 8) : "").ConfigureAwait(false);
        RequireFile(id, path, word);
        var writing = new GuestAgentWrite(await OpenAsync(id, path, "w", cancellationToken).ConfigureAwait(false), _backend);
        try
        {
            await writing.CopyAsync(content, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            throw Because(error, id, path, RequestOutcome.FailedMidway);
        }
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        GuestFileProblems.Refuse(path);
        var (word, list) = await AskAsync(id, path, GuestAgentScripts.List, MaxListBytes + MaxAnswerBytes, cancellationToken, MaxListBytes.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        if (word == GuestAgentScripts.None)
            throw NotFound(id, path);
        if (word == GuestAgentScripts.Incapable)
            throw Error($"'{path}' in '{id}' is not listed: the guest has no 'stat -c', 'xargs -0' and 'head -c'.", ErrorCode.Unsupported, path);
        if (word == GuestAgentScripts.Denied)
            throw Error($"The guest's agent may not read the directory '{path}' in '{id}'.", ErrorCode.Denied, path);
        if (word != GuestAgentScripts.Directory)
            throw Error($"'{path}' in '{id}' is no directory.", ErrorCode.InvalidArgument, path);
        if (list.Length >= MaxListBytes)
            throw Error($"The directory '{path}' in '{id}' has more entries than fit into the {MaxListBytes >> 20} MiB of a list.", ErrorCode.Exhausted, path);
        foreach (var file in GuestAgentScripts.EntriesOf(list, path))
            yield return file;
    }

    /// <inheritdoc />
    public async Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default)
    {
        GuestFileProblems.Refuse(path);
        string named = path.TrimEnd('/');
        if (named.Length == 0)
            throw Refusal.Invalid("path", "the root of a guest is not deleted.");
        var (word, _) = await AskAsync(id, named, GuestAgentScripts.Delete, MaxAnswerBytes, cancellationToken).ConfigureAwait(false);
        if (word == GuestAgentScripts.None)
            throw NotFound(id, path);
        if (word == GuestAgentScripts.Full)
            throw Error($"The directory '{path}' in '{id}' is not empty.", ErrorCode.InvalidState, path);
        if (word != GuestAgentScripts.Done)
            throw Unreadable(path, word);
    }

    private static string OwnerOf(GuestFileAttributes? attributes) => attributes switch
    {
        { UserId: { } user, GroupId: { } group } => string.Create(CultureInfo.InvariantCulture, $"{user}:{group}"),
        { UserId: { } user } => user.ToString(CultureInfo.InvariantCulture),
        { GroupId: { } group } => string.Create(CultureInfo.InvariantCulture, $":{group}"),
        _ => "",
    };

    /// <summary>Has the agent open a file. Who gives up before it has does not leave it open.</summary>
    private async Task<IGuestAgentFile> OpenAsync(InstanceId id, string path, string mode, CancellationToken cancellationToken)
    {
        var opening = _open(id, path, mode);
        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = CloseLateAsync(opening);
            throw;
        }
        catch (HypervisorException error)
        {
            throw Because(error, id, path, error.Outcome);
        }
    }

    private static async Task CloseLateAsync(Task<IGuestAgentFile> opening)
    {
        try
        {
            await (await opening.ConfigureAwait(false)).CloseAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or ObjectDisposedException)
        {
            // It was not opened, or nobody answers any more.
        }
    }

    /// <summary>Has the guest's shell do something about a path: the first word that it prints, and what comes after the end of that line.</summary>
    private async Task<(string Word, ReadOnlyMemory<byte> After)> AskAsync(InstanceId id, string path, string script, int maxOutputBytes, CancellationToken cancellationToken, params string[] arguments)
    {
        CommandResult result;
        try
        {
            result = await _commands.RunAsync(id, new CommandSpec { Command = [GuestAgentScripts.Shell, "-c", script, GuestAgentScripts.Shell, path, .. arguments], MaxOutputBytes = maxOutputBytes }, default, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound && error.Resource == GuestAgentScripts.Shell)
        {
            throw new HypervisorException($"There is no shell in '{id}': its agent gives files of guests like Linux only.", ErrorCode.Unsupported, RequestOutcome.Rejected, error) { Backend = _backend, Resource = $"instance {id}" };
        }

        int end = result.Output.Span.IndexOf((byte)'\n');
        if (result.IsSuccess && end > 0 && !result.IsTruncated)
            return (Encoding.UTF8.GetString(result.Output.Span[..end]), result.Output[(end + 1)..]);
        string said = GuestAgentWords.Shown(result.Error.Span);
        throw new HypervisorException($"The guest refuses '{path}' in '{id}': {(said.Length > 0 ? said : $"its shell ended with {result.ExitCode?.ToString(CultureInfo.InvariantCulture) ?? result.Signal?.ToString()}")}", GuestAgentWords.CodeOf(said), RequestOutcome.Rejected)
        {
            Backend = _backend, Resource = path, BackendMessage = said,
        };
    }

    private void RequireFile(InstanceId id, string path, string word)
    {
        switch (word)
        {
            case GuestAgentScripts.File:
                return;
            case GuestAgentScripts.None:
                throw NotFound(id, path);
            case GuestAgentScripts.Nowhere:
                throw Error($"The directory of '{path}' is not there in '{id}': make it first.", ErrorCode.NotFound, path);
            case GuestAgentScripts.Directory:
                throw Error($"'{path}' in '{id}' is a directory, and no file.", ErrorCode.InvalidArgument, path);
            case GuestAgentScripts.Other:
                throw Error($"'{path}' in '{id}' is a device, a pipe or a socket, and no file.", ErrorCode.InvalidArgument, path);
            default:
                throw Unreadable(path, word);
        }
    }

    /// <summary>The agent's no in our words: it has one class for all of its errors.</summary>
    private HypervisorException Because(HypervisorException error, InstanceId id, string path, RequestOutcome outcome)
    {
        var code = error is { Code: var plain, Outcome: RequestOutcome.Rejected } && plain == ErrorCode.Unspecified ? GuestAgentWords.CodeOf(error.BackendMessage) : error.Code;
        var told = error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected ? outcome : error.Outcome;
        if (code == error.Code && told == error.Outcome)
            return error;
        return new HypervisorException($"'{path}' in '{id}': {error.BackendMessage ?? error.Message}", code, told, error)
        {
            Backend = _backend, Resource = path, BackendCode = error.BackendCode, BackendMessage = error.BackendMessage,
        };
    }

    private HypervisorException NotFound(InstanceId id, string path) => Error($"There is no '{path}' in '{id}'.", ErrorCode.NotFound, path);

    private HypervisorException Error(string message, ErrorCode code, string path) => new(message, code, RequestOutcome.Rejected) { Backend = _backend, Resource = path };

    private BackendProtocolException Unreadable(string path, string word) => new($"The guest's shell answered '{GuestAgentWords.Shown(Encoding.UTF8.GetBytes(word))}' about '{path}'.", ErrorCode.Protocol, RequestOutcome.Unknown) { Backend = _backend, Resource = path };
}
