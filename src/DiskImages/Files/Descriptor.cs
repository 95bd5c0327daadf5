using System.Runtime.InteropServices;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>The number of an open file, which cannot be closed by another thread while this is alive.</summary>
internal readonly struct Descriptor : IDisposable
{
    private readonly SafeHandle _handle;

    public Descriptor(SafeHandle handle)
    {
        bool added = false;
        handle.DangerousAddRef(ref added);
        _handle = handle;
    }

    public static implicit operator int(Descriptor descriptor) => (int)descriptor._handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();

    /// <summary>Calls the system until no signal gets in between.</summary>
    /// <returns>0, or the error number.</returns>
    public static int Retry(Func<int> call, out int result)
    {
        while (true)
        {
            result = call();
            if (result >= 0)
                return 0;
            int errno = Marshal.GetLastPInvokeError();
            if (errno != FileFailure.EINTR)
                return errno;
        }
    }
}
