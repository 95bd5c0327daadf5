namespace Hypervisor.Sdk.Simulation;

/// <summary>
/// What a simulated guest does with its CPUs and memory over time. What it has used up to any moment is computed, not counted, so that a month is as cheap as a second; the same guest of the same seed always does the same.
/// </summary>
public abstract class LoadModel
{
    private protected LoadModel()
    {
    }

    /// <summary>Hardly anything: 0.5 % of its CPUs, a tenth of its memory.</summary>
    public static LoadModel Idle { get; } = Steady(0.005, 0.1);

    /// <summary>Bytes over the network, each way, for a second of CPU time. Default 200,000.</summary>
    public long NetworkBytesPerCpuSecond { get; init; } = 200_000;

    /// <summary>Bytes to and from disks, each way, for a second of CPU time. Default 400,000.</summary>
    public long DiskBytesPerCpuSecond { get; init; } = 400_000;

    /// <summary>Always the same.</summary>
    /// <param name="cpu">The share of its CPUs, 0 to 1.</param>
    /// <param name="memory">The share of its memory, 0 to 1.</param>
    public static LoadModel Steady(double cpu = 0.2, double memory = 0.4) => new SteadyLoad(Share(cpu, nameof(cpu)), Share(memory, nameof(memory)));

    /// <summary>Up by day and down by night, once a day.</summary>
    /// <param name="low">The share of its CPUs when it has least to do, 0 to 1.</param>
    /// <param name="high">The share when it has most to do, not less than <paramref name="low"/>.</param>
    /// <param name="peakHour">When it has most to do: hours after midnight of the simulation's clock, UTC, 0 to 24.</param>
    /// <param name="memory">The share of its memory, 0 to 1.</param>
    public static LoadModel Diurnal(double low = 0.05, double high = 0.6, double peakHour = 14, double memory = 0.5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(high, low);
        if (!(peakHour is >= 0 and <= 24))
            throw new ArgumentOutOfRangeException(nameof(peakHour), peakHour, "Hours are 0 to 24.");
        return new DiurnalLoad(Share(low, nameof(low)), Share(high, nameof(high)), peakHour, Share(memory, nameof(memory)));
    }

    /// <summary>Quiet, with one burst in each period, at a moment that is drawn.</summary>
    /// <param name="quiet">The share of its CPUs between bursts, 0 to 1.</param>
    /// <param name="busy">The share in a burst, 0 to 1.</param>
    /// <param name="period">How long a period is. Default 1 h.</param>
    /// <param name="burst">How long a burst is, less than a period. Default a tenth of it.</param>
    /// <param name="memory">The share of its memory, 0 to 1.</param>
    public static LoadModel Bursty(double quiet = 0.02, double busy = 0.9, TimeSpan? period = null, TimeSpan? burst = null, double memory = 0.4)
    {
        var whole = period ?? TimeSpan.FromHours(1);
        var busyTime = burst ?? whole / 10;
        if (whole <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(period), period, "A period takes time.");
        if (busyTime <= TimeSpan.Zero || busyTime >= whole)
            throw new ArgumentOutOfRangeException(nameof(burst), burst, "A burst takes time, and less than its period.");
        return new BurstyLoad(Share(quiet, nameof(quiet)), Share(busy, nameof(busy)), whole.TotalSeconds, busyTime.TotalSeconds, Share(memory, nameof(memory)));
    }

    /// <summary>Steady, but takes more and more memory, until it has all and the program that leaks is restarted by itself.</summary>
    /// <param name="cpu">The share of its CPUs, 0 to 1.</param>
    /// <param name="memory">The share of its memory to begin with, 0 to less than 1.</param>
    /// <param name="fullAfter">How long until it has all of it. Default 24 h.</param>
    public static LoadModel Leaking(double cpu = 0.1, double memory = 0.2, TimeSpan? fullAfter = null)
    {
        var span = fullAfter ?? TimeSpan.FromHours(24);
        if (span <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(fullAfter), fullAfter, "To leak takes time.");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(memory, 1);
        return new LeakingLoad(Share(cpu, nameof(cpu)), Share(memory, nameof(memory)), span.TotalSeconds);
    }

    /// <summary>The share of its CPUs that it uses at a moment.</summary>
    /// <param name="seconds">Since midnight of the simulation's first day.</param>
    /// <param name="seed">The guest's own.</param>
    internal abstract double CpuAt(double seconds, ulong seed);

    /// <summary>How many seconds of one CPU it has used from the beginning to a moment, for each of its CPUs: the integral of <see cref="CpuAt"/>.</summary>
    internal abstract double CpuSeconds(double seconds, ulong seed);

    /// <summary>The share of its memory that it uses.</summary>
    /// <param name="sinceBoot">Seconds since it was booted.</param>
    internal abstract double MemoryAt(double sinceBoot);

    private static double Share(double value, string parameter) => value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(parameter, value, "A share is 0 to 1.");

    private sealed class SteadyLoad(double cpu, double memory) : LoadModel
    {
        internal override double CpuAt(double seconds, ulong seed) => cpu;

        internal override double CpuSeconds(double seconds, ulong seed) => cpu * seconds;

        internal override double MemoryAt(double sinceBoot) => memory;
    }

    private sealed class DiurnalLoad(double low, double high, double peakHour, double memory) : LoadModel
    {
        private const double Day = 86400;

        internal override double CpuAt(double seconds, ulong seed) => Middle + (Swing * Math.Cos(Angle(seconds)));

        internal override double CpuSeconds(double seconds, ulong seed) => (Middle * seconds) + (Swing * Day / (2 * Math.PI) * (Math.Sin(Angle(seconds)) - Math.Sin(Angle(0))));

        internal override double MemoryAt(double sinceBoot) => memory;

        private double Middle => (low + high) / 2;

        private double Swing => (high - low) / 2;

        private double Angle(double seconds) => 2 * Math.PI * (seconds - (peakHour * 3600)) / Day;
    }

    private sealed class BurstyLoad(double quiet, double busy, double period, double burst, double memory) : LoadModel
    {
        internal override double CpuAt(double seconds, ulong seed)
        {
            double within = seconds - BeginOfBurst(seconds, seed);
            return within >= 0 && within < burst ? busy : quiet;
        }

        internal override double CpuSeconds(double seconds, ulong seed)
        {
            // Every whole period has the one burst, whenever it was.
            double busyTime = (Math.Floor(seconds / period) * burst) + Math.Clamp(seconds - BeginOfBurst(seconds, seed), 0, burst);
            return (busyTime * busy) + ((seconds - busyTime) * quiet);
        }

        internal override double MemoryAt(double sinceBoot) => memory;

        private double BeginOfBurst(double seconds, ulong seed)
        {
            double number = Math.Floor(seconds / period);
            return (number * period) + (Draw(seed, (ulong)number) * (period - burst));
        }

        /// <summary>A number from 0 to less than 1 that depends on the guest and the period alone (the finaliser of splitmix64).</summary>
        private static double Draw(ulong seed, ulong number)
        {
            ulong bits = unchecked(seed + (number * 0x9E3779B97F4A7C15));
            bits = unchecked((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9);
            bits = unchecked((bits ^ (bits >> 27)) * 0x94D049BB133111EB);
            return ((bits ^ (bits >> 31)) >> 11) * (1.0 / (1UL << 53));
        }
    }

    private sealed class LeakingLoad(double cpu, double memory, double fullAfter) : LoadModel
    {
        internal override double CpuAt(double seconds, ulong seed) => cpu;

        internal override double CpuSeconds(double seconds, ulong seed) => cpu * seconds;

        internal override double MemoryAt(double sinceBoot) => memory + ((1 - memory) * (sinceBoot % fullAfter / fullAfter));
    }
}
