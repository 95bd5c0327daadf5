namespace Hypervisor.Sdk.Hosts.Sftp;

/// <summary>An answer: what it is, and what follows its number.</summary>
internal readonly record struct SftpReply(byte Kind, PacketReader Content)
{
    /// <summary>The content of an answer of this kind.</summary>
    /// <param name="kind">The kind that is expected.</param>
    /// <param name="action">What was being done, for messages: <c>Reading 'a' in '/srv'</c>.</param>
    /// <exception cref="HypervisorException">It failed.</exception>
    public PacketReader Expect(byte kind, string action)
    {
        if (Kind == kind)
            return Content;
        if (Kind == SftpSession.Status)
            throw Failure(Content.Number(), Content, action);
        throw Protocol(action);
    }

    /// <summary>Checks an answer that says only whether it worked.</summary>
    public void ExpectOkay(string action)
    {
        if (!IsStatus(SftpSession.OkStatus, out uint status))
            throw Kind == SftpSession.Status ? Failure(status, Content, action) : Protocol(action);
    }

    /// <summary>Whether it is this status; reads it off.</summary>
    public bool IsStatus(uint wanted, out uint status)
    {
        status = uint.MaxValue;
        if (Kind != SftpSession.Status)
            return false;
        status = Content.Number();
        return status == wanted;
    }

    public static HypervisorException Failure(uint status, PacketReader rest, string action)
    {
        string words = rest.IsAtEnd ? "" : rest.Text();
        var (code, reason) = status switch
        {
            SftpSession.NoSuchFileStatus => (ErrorCode.NotFound, "there is no such file."),
            SftpSession.PermissionDeniedStatus => (ErrorCode.Denied, "the user may not do that there. Check the owner and the mode."),
            SftpSession.UnsupportedStatus => (ErrorCode.Unsupported, "its sshd cannot do that."),
            // All that version 3 says of a full disk, a directory that is not empty, a name that is taken.
            _ => (ErrorCode.Unspecified, $"the node says '{words}'. The disk may be full, or a directory not empty."),
        };
        return new HypervisorException($"{action} failed: {reason}", code, RequestOutcome.Rejected) { BackendCode = $"sftp {status}", BackendMessage = words };
    }

    private HypervisorException Protocol(string action) => new($"{action} failed: the node answers with the unknown {Kind}.", ErrorCode.Protocol, RequestOutcome.Unknown);
}
