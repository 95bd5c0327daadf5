namespace Hypervisor.Sdk.Abstractions.Tests;

public sealed class InstanceRatesTests
{
    private static readonly DateTimeOffset s_begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_rate_is_the_difference_over_the_time_between()
    {
        var rates = InstanceRates.Between(Sample(0, 1000, 10), Sample(2.5, 6000, 20));
        Assert.Equal((2000, 4), (rates.NetworkReceivedBytesPerSecond, rates.NetworkReceivedPacketsPerSecond));
        Assert.Equal((0.4, s_begin, s_begin.AddSeconds(2.5)), (rates.Cpus, rates.From, rates.To));
        Assert.DoesNotContain(nameof(InstanceRates.NetworkReceivedBytesPerSecond), rates.Unavailable.Keys);
        // What was not counted is not 0.
        Assert.Null(rates.DiskReadBytesPerSecond);
        Assert.Equal("No disks.", rates.Unavailable[nameof(InstanceRates.DiskReadBytesPerSecond)]);
        Assert.Equal("The backend does not say.", rates.Unavailable[nameof(InstanceRates.NetworkSentBytesPerSecond)]);
    }

    [Fact]
    public void A_counter_that_began_anew_has_no_rate_whether_it_is_behind_or_ahead()
    {
        var behind = InstanceRates.Between(Sample(0, 1000, 10), Sample(1, 999, 11));
        Assert.Equal((null, 1), (behind.NetworkReceivedBytesPerSecond, behind.NetworkReceivedPacketsPerSecond));
        Assert.Contains("began anew", behind.Unavailable[nameof(InstanceRates.NetworkReceivedBytesPerSecond)], StringComparison.Ordinal);

        var ahead = InstanceRates.Between(Sample(0, 1000, 10, s_begin), Sample(1, 5000, 50, s_begin.AddSeconds(0.5)));
        Assert.Equal((null, null, null), (ahead.NetworkReceivedBytesPerSecond, ahead.NetworkReceivedPacketsPerSecond, ahead.Cpus));
        Assert.Equal(4000, InstanceRates.Between(Sample(0, 1000, 10, s_begin), Sample(1, 5000, 50, s_begin)).NetworkReceivedBytesPerSecond);
    }

    [Fact]
    public void Samples_of_two_instances_or_out_of_order_are_refused()
    {
        var other = new InstanceMetrics { Id = InstanceId.Parse("other"), At = s_begin.AddSeconds(1) };
        Assert.Throws<ArgumentException>(() => InstanceRates.Between(Sample(0, 1, 1), other));
        Assert.Throws<ArgumentException>(() => InstanceRates.Between(Sample(1, 1, 1), Sample(1, 1, 1)));
        Assert.Throws<ArgumentException>(() => InstanceRates.Between(Sample(1, 1, 1), Sample(0, 1, 1)));
    }

    private static InstanceMetrics Sample(double seconds, long bytes, long packets, DateTimeOffset? since = null) => new()
    {
        Id = InstanceId.Parse("one"),
        At = s_begin.AddSeconds(seconds),
        Since = since,
        CpuTime = TimeSpan.FromSeconds(packets / 10.0),
        NetworkReceivedBytes = bytes,
        NetworkReceivedPackets = packets,
        Unavailable = new Dictionary<string, string> { [nameof(InstanceMetrics.DiskReadBytes)] = "No disks." },
    };
}
