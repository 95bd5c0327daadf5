using System.Runtime.InteropServices;

namespace Hypervisor.Sdk.Benchmarks;

/// <summary>The processor time of this process in nanoseconds, all threads together: finer than the ticks of /proc.</summary>
internal static partial class ProcessClock
{
    private const int ProcessCpuTime = 2;

    public static double Microseconds
    {
        get
        {
            if (ClockGetTime(ProcessCpuTime, out var time) != 0)
                throw new InvalidOperationException("clock_gettime failed.");
            return (time.Seconds * 1e6) + (time.Nanoseconds / 1e3);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
