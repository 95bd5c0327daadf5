using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Hosts.Sftp;

/// <summary>A directory of another machine. Requests that do not depend on each other leave together: whether a path leads through a link costs one way there and back, however long it is.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class SftpDirectory : IHostDirectory
{
    private const byte Open = 3;
    private const byte Close = 4;
    private const byte Write = 6;
    private const byte LookAtLink = 7;
    private const byte SetHandleAttributes = 10;
    private const byte OpenDirectory = 11;
    private const byte ReadDirectory = 12;
    private const byte Remove = 13;
    private const byte MakeDirectory = 14;
    private const byte RemoveDirectory = 15;
    private const byte SetAttributes = 9;
    private const byte Look = 17;
    private const byte Rename = 18;
    private const byte Extended = 200;

    private const uint ForReading = 1;
    private const uint ForWriting = 2;
    private const uint Creating = 8;
    private const uint Exclusively = 0x20;

    private const string Flush = "fsync@openssh.com";
    private const string RenameOver = "posix-rename@openssh.com";
    private const string UnfinishedPrefix = ".unfinished-";
    private const int PieceBytes = 32 << 10;
    private const int PiecesUnderWay = 16;

    private readonly SshHostSession _session;

    private SftpDirectory(SshHostSession session, string path)
    {
        _session = session;
        Path = path;
    }

    public string Path { get; }

    public static async Task<SftpDirectory> OpenAsync(SshHostSession session, string path, CancellationToken cancellationToken)
    {
        string action = $"Opening the directory {HostPath.Shown(path)} on {session.Node}";
        var sftp = await session.SftpAsync(cancellationToken).ConfigureAwait(false);
        var reply = await sftp.SendAsync(SftpSession.Request(Look).Text(path)).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (SftpAttributes.Read(reply.Expect(SftpSession.Attributes, action)).Kind != HostFileKind.Directory)
            throw new HypervisorException($"{action} failed: it is not a directory.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
        return new SftpDirectory(session, path);
    }

    public async Task<HostFile?> FindAsync(string path, CancellationToken cancellationToken = default)
    {
        var sftp = await _session.SftpAsync(cancellationToken).ConfigureAwait(false);
        return (await LookAsync(sftp, path, $"Looking at {Say(path)}", cancellationToken).ConfigureAwait(false))?.ToFile(path[(path.LastIndexOf('/') + 1)..]);
    }

    public async IAsyncEnumerable<HostFile> ListAsync(string? path = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string action = path is null ? $"Listing '{Path}' on {_session.Node}" : $"Listing {Say(path)}";
        var sftp = await _session.SftpAsync(cancellationToken).ConfigureAwait(false);
        if (path is not null)
            await RequireAsync(sftp, path, HostFileKind.Directory, action, cancellationToken).ConfigureAwait(false);
        var handle = (await sftp.SendAsync(SftpSession.Request(OpenDirectory).Text(path is null ? Path : Full(path))).WaitAsync(cancellationToken).ConfigureAwait(false)).Expect(SftpSession.Handle, action).Bytes();
        try
        {
            while (true)
            {
                var reply = await sftp.SendAsync(SftpSession.Request(ReadDirectory).Bytes(handle.Span)).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (reply.Kind == SftpSession.Status)
                {
                    if (reply.IsStatus(SftpSession.EndStatus, out uint status))
                        yield break;
                    throw SftpReply.Failure(status, reply.Content, action);
                }

                var names = reply.Expect(SftpSession.Name, action);
                for (uint count = names.Number(); count > 0; count--)
                {
                    string name = names.Text();
                    // How ls would show it.
                    names.Bytes();
                    var attributes = SftpAttributes.Read(names);
                    if (name is not ("." or ".."))
                        yield return attributes.ToFile(name);
                }
            }
        }
        finally
        {
            await CloseAsync(sftp, handle).ConfigureAwait(false);
        }
    }

    public async Task<Stream> OpenReadAsync(string path, CancellationToken cancellationToken = default)
    {
        string action = $"Opening {Say(path)}";
        var sftp = await _session.SftpAsync(cancellationToken).ConfigureAwait(false);
        await RequireAsync(sftp, path, HostFileKind.File, action, cancellationToken).ConfigureAwait(false);
        var reply = await sftp.SendAsync(SftpSession.Request(Open).Text(Full(path)).Number(ForReading).Number(0)).WaitAsync(cancellationToken).ConfigureAwait(false);
        return new SftpReadStream(sftp, reply.Expect(SftpSession.Handle, action).Bytes(), $"Reading {Say(path)}");
    }

    public async Task WriteAsync(string path, Stream content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        string action = $"Writing {Say(path)}";
        var sftp = await _session.SftpAsync(cancellationToken).ConfigureAwait(false);
        await LookAsync(sftp, path, action, cancellationToken).ConfigureAwait(false);
        string unfinished = Full($"{path[..(path.LastIndexOf('/') + 1)]}{UnfinishedPrefix}{Guid.NewGuid():N}");
        var made = SftpAttributes.WriteMode(SftpSession.Request(Open).Text(unfinished).Number(ForWriting | Creating | Exclusively), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var handle = (await sftp.SendAsync(made).WaitAsync(cancellationToken).ConfigureAwait(false)).Expect(SftpSession.Handle, action).Bytes();
        try
        {
            await CopyAsync(sftp, handle, content, action, cancellationToken).ConfigureAwait(false);
            await OkayAsync(sftp, SftpAttributes.WriteMode(SftpSession.Request(SetHandleAttributes).Bytes(handle.Span), mode), action, cancellationToken).ConfigureAwait(false);
            if (sftp.Has(Flush))
                await OkayAsync(sftp, SftpSession.Request(Extended).Text(Flush).Bytes(handle.Span), action, cancellationToken).ConfigureAwait(false);
            await OkayAsync(sftp, SftpSession.Request(Close).Bytes(handle.Span), action, cancellationToken).ConfigureAwait(false);
            handle = default;
            await RenameAsync(sftp, unfinished, Full(path), replace: true, action, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            if (!handle.IsEmpty)
                await CloseAsync(sftp, handle).ConfigureAwait(false);
            if (sftp.IsAlive)
                await sftp.SendAsync(SftpSession.Request(Remove).Text(unfinished)).ConfigureAwait(false);
            throw;
        }
    }

    public async Task CreateDirectoryAsync(string path, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, CancellationToken cancellationToken = default)
    {
        string action = $"Making the directory {Say(path)}";
        var sftp = await _session.SftpAsync(cancellationToken).ConfigureAwait(false);
        if (await IsThereAsync().ConfigureAwait(false))
            return;
        var reply = await sftp.SendAsync(SftpAttributes.WriteMode(SftpSession.Request(MakeDirectory).Text(Full(path)), mode)).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!reply.IsStatus(SftpSession.OkStatus, out uint status))
        {
            // Somebody else may have made it in this moment, which version 3 does not tell apart from other failures.
            if (await IsThereAsync().ConfigureAwait(false))
                return;
            throw SftpReply.Failure(status, reply.Content, action);
        }

        // What the umask has taken.
        await OkayAsync(sftp, SftpAttributes.WriteMode(SftpSession.Request(SetAttributes).Text(Full(path)), mode), action, cancellationToken).ConfigureAwait(false);

        async Task<bool> IsThereAsync() => await LookAsync(sftp, path, action, cancellationToken).ConfigureAwait(false) switch
        {
            null => false,
            { Kind: HostFileKind.Directory } => true,
            _ => throw Taken(action),
        };
    }

    public async Task RenameAsync(string from, string to, bool replace = false, CancellationToken cancellationToken = default)
    {
        string action = $"Renaming {Say(from)} to {HostPath.Shown(to)}";
        var sftp = await _session.SftpAsync(cancellationToken).ConfigureAwait(false);
        var source = LookAsync(sftp, from, action, cancellationToken);
        var target = LookAsync(sftp, to, action, cancellationToken);
        if (await source.ConfigureAwait(false) is null)
            throw new HypervisorException($"{action} failed: there is no such file.", ErrorCode.NotFound, RequestOutcome.Rejected);
        if (await target.ConfigureAwait(false) is not null && !replace)
            throw Taken(action);
        await RenameAsync(sftp, Full(from), Full(to), replace, action, cancellationToken).ConfigureAwait(false);
    }

    public async Task<bool> RemoveAsync(string path, CancellationToken cancellationToken = default)
    {
        string action = $"Removing {Say(path)}";
        var sftp = await _session.SftpAsync(cancellationToken).ConfigureAwait(false);
        if (await LookAsync(sftp, path, action, cancellationToken).ConfigureAwait(false) is not { } found)
            return false;
        var reply = await sftp.SendAsync(SftpSession.Request(found.Kind == HostFileKind.Directory ? RemoveDirectory : Remove).Text(Full(path))).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (reply.IsStatus(SftpSession.OkStatus, out uint status))
            return true;
        return status == SftpSession.NoSuchFileStatus ? false : throw SftpReply.Failure(status, reply.Content, action);
    }

    /// <summary>Nothing is held open at the node.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static HypervisorException Taken(string action) => new($"{action} failed: it exists already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected);

    private static async Task OkayAsync(SftpSession sftp, Packet request, string action, CancellationToken cancellationToken) =>
        (await sftp.SendAsync(request).WaitAsync(cancellationToken).ConfigureAwait(false)).ExpectOkay(action);

    private static async Task CloseAsync(SftpSession sftp, ReadOnlyMemory<byte> handle)
    {
        if (sftp.IsAlive)
            await sftp.SendAsync(SftpSession.Request(Close).Bytes(handle.Span)).ConfigureAwait(false);
    }

    private static async Task CopyAsync(SftpSession sftp, ReadOnlyMemory<byte> handle, Stream content, string action, CancellationToken cancellationToken)
    {
        byte[] piece = new byte[PieceBytes];
        var written = new Queue<Task<SftpReply>>();
        ulong offset = 0;
        int bytes;
        while ((bytes = await content.ReadAtLeastAsync(piece, PieceBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)) > 0)
        {
            written.Enqueue(sftp.SendAsync(SftpSession.Request(Write).Bytes(handle.Span).Long(offset).Bytes(piece.AsSpan(0, bytes))));
            offset += (ulong)bytes;
            if (written.Count == PiecesUnderWay)
                (await written.Dequeue().WaitAsync(cancellationToken).ConfigureAwait(false)).ExpectOkay(action);
        }

        while (written.TryDequeue(out var reply))
            (await reply.WaitAsync(cancellationToken).ConfigureAwait(false)).ExpectOkay(action);
    }

    private static async Task RenameAsync(SftpSession sftp, string from, string to, bool replace, string action, CancellationToken cancellationToken)
    {
        if (replace && !sftp.Has(RenameOver))
            throw new HypervisorException($"{action} failed: the node's sshd has no '{RenameOver}', without which a file cannot be replaced at once.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        var request = replace ? SftpSession.Request(Extended).Text(RenameOver) : SftpSession.Request(Rename);
        await OkayAsync(sftp, request.Text(from).Text(to), action, cancellationToken).ConfigureAwait(false);
    }

    private string Full(string path) => Path == "/" ? $"/{path}" : $"{Path}/{path}";

    private string Say(string path) => $"{HostPath.Shown(path)} in '{Path}' on {_session.Node}";

    private async Task RequireAsync(SftpSession sftp, string path, HostFileKind kind, string action, CancellationToken cancellationToken)
    {
        var found = await LookAsync(sftp, path, action, cancellationToken).ConfigureAwait(false) ?? throw new HypervisorException($"{action} failed: there is no such file.", ErrorCode.NotFound, RequestOutcome.Rejected);
        if (found.Kind != kind)
            throw new HypervisorException($"{action} failed: it is {(found.Kind == HostFileKind.Link ? "a link" : $"not a {(kind == HostFileKind.File ? "regular file" : "directory")}")}.", ErrorCode.Denied, RequestOutcome.Rejected);
    }

    /// <summary>Looks at an entry and at every directory on the way to it, none of which may be a link. Null when there is no such entry.</summary>
    private async Task<SftpAttributes?> LookAsync(SftpSession sftp, string path, string action, CancellationToken cancellationToken)
    {
        string[] components = HostPath.Components(path);
        var replies = new List<Task<SftpReply>>();
        string at = Path == "/" ? "" : Path;
        foreach (string component in components)
        {
            at = $"{at}/{component}";
            replies.Add(sftp.SendAsync(SftpSession.Request(LookAtLink).Text(at)));
        }

        SftpAttributes? found = null;
        for (int i = 0; i < replies.Count; i++)
        {
            var reply = await replies[i].WaitAsync(cancellationToken).ConfigureAwait(false);
            bool isLast = i == replies.Count - 1;
            if (reply.Kind == SftpSession.Status)
            {
                if (reply.IsStatus(SftpSession.NoSuchFileStatus, out uint status))
                    return isLast ? null : throw new HypervisorException($"{action} failed: there is no such directory.", ErrorCode.NotFound, RequestOutcome.Rejected);
                throw SftpReply.Failure(status, reply.Content, action);
            }

            found = SftpAttributes.Read(reply.Expect(SftpSession.Attributes, action));
            if (!isLast && found.Value.Kind != HostFileKind.Directory)
                throw new HypervisorException($"{action} failed: the path leads through {(found.Value.Kind == HostFileKind.Link ? "a link" : "what is not a directory")}.", ErrorCode.Denied, RequestOutcome.Rejected);
        }

        return found;
    }
}
