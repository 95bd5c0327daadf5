using System.Runtime.InteropServices;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>Turns what the operating system says of a file into a <see cref="HypervisorException"/>.</summary>
public static class FileFailure
{
    internal const int EPERM = 1;
    internal const int ENOENT = 2;
    internal const int EINTR = 4;
    internal const int EAGAIN = 11;
    internal const int EACCES = 13;
    internal const int EEXIST = 17;
    internal const int EXDEV = 18;
    internal const int ENOTDIR = 20;
    internal const int EISDIR = 21;
    internal const int EINVAL = 22;
    internal const int ENFILE = 23;
    internal const int EMFILE = 24;
    internal const int EFBIG = 27;
    internal const int ENOSPC = 28;
    internal const int EROFS = 30;
    internal const int ENAMETOOLONG = 36;
    internal const int ENOSYS = 38;
    internal const int ENOTEMPTY = 39;
    internal const int ELOOP = 40;
    internal const int EOPNOTSUPP = 95;
    internal const int EDQUOT = 122;

    /// <summary>The failure of reading or writing an open file, with the code that the cause deserves: a full disk is <see cref="ErrorCode.Exhausted"/>, a read-only one <see cref="ErrorCode.Denied"/>.</summary>
    /// <param name="error">What the framework threw.</param>
    /// <param name="action">What was being done, to which file: <c>Writing 'web1.qcow2' in '/srv/pool'</c>.</param>
    public static HypervisorException From(IOException error, string action)
    {
        ArgumentNullException.ThrowIfNull(error);
        ArgumentException.ThrowIfNullOrEmpty(action);
        // On unix the framework keeps the error number in HResult.
        return new HypervisorException($"{action} failed: {Reason(error.HResult) ?? error.Message}", CodeOf(error.HResult), RequestOutcome.Rejected, error) { BackendMessage = error.Message };
    }

    internal static HypervisorException From(int errno, string action)
    {
        string message = Marshal.GetPInvokeErrorMessage(errno);
        return new($"{action} failed: {Reason(errno) ?? message}", CodeOf(errno), RequestOutcome.Rejected) { BackendCode = $"errno {errno}", BackendMessage = message };
    }

    private static ErrorCode CodeOf(int errno) => errno switch
    {
        ENOENT => ErrorCode.NotFound,
        EEXIST or ENOTEMPTY => ErrorCode.AlreadyExists,
        ENOSPC or EDQUOT or EMFILE or ENFILE => ErrorCode.Exhausted,
        EPERM or EACCES or EROFS or EXDEV or ELOOP => ErrorCode.Denied,
        ENOTDIR or EISDIR or ENAMETOOLONG or EFBIG => ErrorCode.InvalidArgument,
        EAGAIN => ErrorCode.Locked,
        EOPNOTSUPP or ENOSYS => ErrorCode.Unsupported,
        _ => ErrorCode.Unspecified,
    };

    private static string? Reason(int errno) => errno switch
    {
        ENOENT => "there is no such file.",
        EEXIST => "it exists already.",
        ENOTEMPTY => "the directory is not empty.",
        ENOSPC => "the disk is full. Free some space and try again.",
        EDQUOT => "the disk quota is used up. Free some space or raise the quota.",
        EPERM or EACCES => "this process may not do that. Check the owner and the mode of the directory.",
        EROFS => "the file system is mounted read-only.",
        EXDEV or ELOOP => "the path leads through a link or out of the directory.",
        ENOTDIR => "a part of the path is not a directory.",
        EISDIR => "it is a directory.",
        ENAMETOOLONG => "the name is too long for the file system.",
        EFBIG => "the file system has no files of that size.",
        EMFILE or ENFILE => "too many files are open.",
        _ => null,
    };
}
