using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>An option that makes no sense is refused where it is set, by its name and with its value.</summary>
public sealed class JobsOptionsTests
{
    public static TheoryData<string, string> Refused => new()
    {
        { nameof(JobsOptions.Concurrency), "-1" }, { nameof(JobsOptions.Concurrency), "1001" },
        { nameof(JobsOptions.Lease), "00:00:00.5000000" }, { nameof(JobsOptions.Lease), "01:00:01" },
        { nameof(JobsOptions.PollInterval), "00:00:00" }, { nameof(JobsOptions.PollInterval), "00:02:00" },
        { nameof(JobsOptions.AbandonAfter), "-00:00:01" }, { nameof(JobsOptions.AbandonAfter), "02:00:00" },
        { nameof(JobsOptions.UnknownAlarmAfter), "00:00:00" }, { nameof(JobsOptions.UnknownAlarmAfter), "31.00:00:00" },
        { nameof(JobsOptions.MaxPayloadBytes), "1023" }, { nameof(JobsOptions.MaxPayloadBytes), "67108865" },
        { nameof(JobsOptions.Worker), "" }, { nameof(JobsOptions.Worker), new string('w', 257) },
        { nameof(JobsOptions.TimeProvider), "null" }, { nameof(JobsOptions.Random), "null" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void An_option_that_is_out_of_its_range_is_named_with_its_value(string name, string value)
    {
        var refusal = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddJobs(options => Set(options, name, value)));
        Assert.StartsWith(name + " is ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(value, refusal.Message, StringComparison.Ordinal);
    }

    private static void Set(JobsOptions options, string name, string value)
    {
        var property = typeof(JobsOptions).GetProperty(name)!;
        property.SetValue(options, value switch
        {
            "null" => null,
            _ when property.PropertyType == typeof(TimeSpan) => TimeSpan.ParseExact(value, "c", System.Globalization.CultureInfo.InvariantCulture),
            _ when property.PropertyType == typeof(int) => int.Parse(value, System.Globalization.CultureInfo.InvariantCulture),
            _ => value,
        });
    }
}
