using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>A process held by a descriptor (pidfd): what is killed or waited for is this one, never another that has got its number.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LiveProcess : IDisposable
{
    private readonly SafeFileHandle _pidfd;

    private readonly bool _isChild;

    private LiveProcess(ProcessIdentity identity, SafeFileHandle pidfd, bool isChild)
    {
        Identity = identity;
        _pidfd = pidfd;
        _isChild = isChild;
        Exited = WaitAsync();
    }

    /// <summary>Which one.</summary>
    public ProcessIdentity Identity { get; }

    /// <summary>Completes when it has ended: with how it did for the holder that started it, else with null.</summary>
    public Task<ProcessExit?> Exited { get; }

    /// <summary>Holds a process; null when it has ended.</summary>
    public static LiveProcess? TryHold(ProcessIdentity identity)
    {
        if (identity.BootId != ProcessIdentity.CurrentBootId)
            return null;
        int descriptor = Native.PidfdOpen(identity.Pid);
        if (descriptor < 0)
            return Marshal.GetLastPInvokeError() == Native.ESRCH ? null : throw Native.Failure($"Holding the process {identity.Pid}");
        var pidfd = new SafeFileHandle(descriptor, ownsHandle: true);
        // Looked at after it is held: the number cannot go to another one in between unseen.
        if (ProcessIdentity.Of(identity.Pid) == identity)
            return new LiveProcess(identity, pidfd, isChild: false);
        pidfd.Dispose();
        return null;
    }

    /// <summary>Holds a child that was just started, also one that has ended already: it stays a zombie until it is waited for.</summary>
    public static LiveProcess HoldChild(int pid)
    {
        int descriptor = Native.PidfdOpen(pid);
        if (descriptor < 0)
            throw Native.Failure($"Holding the process {pid}");
        return new LiveProcess(ProcessIdentity.Of(pid) ?? new ProcessIdentity(pid, 0, ProcessIdentity.CurrentBootId), new SafeFileHandle(descriptor, ownsHandle: true), isChild: true);
    }

    /// <summary>Ends it at once. Does nothing when it has ended.</summary>
    public void Kill()
    {
        bool added = false;
        try
        {
            _pidfd.DangerousAddRef(ref added);
            if (Native.PidfdSendSignal((int)_pidfd.DangerousGetHandle(), Native.SIGKILL) != 0 && Marshal.GetLastPInvokeError() != Native.ESRCH)
                throw Native.Failure($"Ending the process {Identity.Pid}");
        }
        finally
        {
            if (added)
                _pidfd.DangerousRelease();
        }
    }

    /// <summary>Lets go. The process goes on; <see cref="Exited"/> still completes.</summary>
    public void Dispose() => _ = Exited.ContinueWith(static (_, state) => ((SafeFileHandle)state!).Dispose(), _pidfd, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private async Task<ProcessExit?> WaitAsync()
    {
        await DescriptorWatch.WhenReadableAsync((int)_pidfd.DangerousGetHandle()).ConfigureAwait(false);
        // Who started it reaps it; to reap a child of somebody else in this process would take its exit code from them.
        if (!_isChild)
            return null;
        int result;
        int status;
        do
            result = Native.WaitPid(Identity.Pid, out status, 0);
        while (result < 0 && Marshal.GetLastPInvokeError() == Native.EINTR);
        if (result != Identity.Pid)
            return null;
        int signal = status & 0x7f;
        return signal == 0 ? new ProcessExit((status >> 8) & 0xff, null) : new ProcessExit(null, signal);
    }
}
