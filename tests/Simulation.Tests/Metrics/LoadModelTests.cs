namespace Hypervisor.Sdk.Simulation.Tests.Metrics;

public sealed class LoadModelTests
{
    public static TheoryData<string> Names { get; } = [.. Models.Keys];

    private static Dictionary<string, LoadModel> Models => new()
    {
        ["idle"] = LoadModel.Idle,
        ["steady"] = LoadModel.Steady(0.3),
        ["diurnal"] = LoadModel.Diurnal(0.1, 0.9, 15),
        ["bursty"] = LoadModel.Bursty(0.01, 1, TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(4)),
        ["leaking"] = LoadModel.Leaking(0.2, 0.1, TimeSpan.FromHours(8)),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_used_is_the_sum_of_what_is_used_at_every_moment(string name)
    {
        var model = Models[name];
        double sum = 0, before = 0;
        for (int second = 0; second < 3 * 86400; second++)
        {
            double now = model.CpuAt(second + 0.5, 42);
            Assert.InRange(now, 0, 1);
            sum += now;
            double used = model.CpuSeconds(second + 1, 42);
            Assert.InRange(used - before, -1e-9, 1 + 1e-9);
            before = used;
        }

        Assert.InRange(before, sum * 0.995, sum * 1.005);
    }

    [Fact]
    public void A_day_has_its_peak_at_its_hour_and_its_low_half_a_day_away()
    {
        var model = LoadModel.Diurnal(0.1, 0.9, 15);
        Assert.Equal(0.9, model.CpuAt(15 * 3600, 1), 6);
        Assert.Equal(0.1, model.CpuAt(3 * 3600, 1), 6);
    }

    [Fact]
    public void Bursts_of_different_guests_come_at_different_times_and_of_one_guest_always_at_the_same()
    {
        var model = LoadModel.Bursty();
        int Begin(ulong seed) => Enumerable.Range(0, 3600).First(second => model.CpuAt(second, seed) > 0.5);
        var begins = Enumerable.Range(0, 100).Select(seed => Begin((ulong)seed)).ToList();
        Assert.True(begins.Distinct().Count() > 80, $"{begins.Distinct().Count()} different");
        Assert.Equal(begins, Enumerable.Range(0, 100).Select(seed => Begin((ulong)seed)));
    }

    [Fact]
    public void A_leak_takes_everything_and_begins_again()
    {
        var model = LoadModel.Leaking(0.1, 0.2, TimeSpan.FromHours(10));
        Assert.Equal(0.2, model.MemoryAt(0), 6);
        Assert.Equal(0.6, model.MemoryAt(5 * 3600), 6);
        Assert.InRange(model.MemoryAt((10 * 3600) - 1), 0.99, 1);
        Assert.Equal(0.2, model.MemoryAt(10 * 3600), 6);
    }

    [Fact]
    public void What_is_no_load_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Steady(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Steady(-0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Steady(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Diurnal(0.5, 0.4));
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Diurnal(peakHour: 25));
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Bursty(period: TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Bursty(period: TimeSpan.FromMinutes(1), burst: TimeSpan.FromMinutes(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => LoadModel.Leaking(fullAfter: TimeSpan.Zero));
    }
}
