namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>When something recurs, where clocks change too.</summary>
public sealed class CronExpressionTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Theory]
    [InlineData("*/15 * * * *", "2026-01-01T00:07:00Z", "2026-01-01T00:15:00Z")]
    [InlineData("0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z")]
    [InlineData("30 0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-01T03:00:30Z")]
    [InlineData("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("0 0 13 * FRI", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")]
    [InlineData("0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z")]
    [InlineData("0 9-17/4 * JAN,JUN MON-WED", "2026-01-01T00:00:00Z", "2026-01-05T09:00:00Z")]
    [InlineData("1/2147483647 * * * *", "2026-01-01T00:01:00Z", "2026-01-01T01:01:00Z")]
    [InlineData("0 0 * * 5/2", "2026-01-03T00:00:00Z", "2026-01-09T00:00:00Z")]
    [InlineData("0 0 29 2 */7", "2026-01-01T00:00:00Z", "2032-02-29T00:00:00Z")]
    [InlineData("@monthly", "2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z")]
    [InlineData("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("59 59 23 31 12 *", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z")]
    public void The_next_time_is_the_first_that_fits(string expression, string after, string next) =>
        Assert.Equal(DateTimeOffset.Parse(next, null), CronExpression.Parse(expression).Next(DateTimeOffset.Parse(after, null), TimeZoneInfo.Utc));

    [Fact]
    public void A_time_of_day_that_is_skipped_fires_once_at_the_end_of_the_gap() =>
        Assert.Equal(["2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"], Preview("30 2 * * *", "2026-03-27T12:00:00Z", 3));

    [Fact]
    public void A_time_of_day_that_comes_twice_fires_the_first_time_only() =>
        Assert.Equal(["2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"], Preview("30 2 * * *", "2026-10-23T12:00:00Z", 3));

    [Fact]
    public void An_expression_for_every_hour_goes_by_elapsed_time()
    {
        Assert.Equal(["2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-25T03:00+01:00"], Preview("*/30 * * * *", "2026-10-24T23:30:00Z", 5));
        Assert.Equal(Preview("*/30 * * * *", "2026-10-24T23:30:00Z", 5), Preview("*/30 0-23 * * *", "2026-10-24T23:30:00Z", 5));
        Assert.Equal(["2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"], Preview("*/30 * * * *", "2026-03-29T00:00:00Z", 3));
    }

    [Theory]
    [InlineData("*/0 * * * *", "minute")]
    [InlineData("60 * * * *", "minute")]
    [InlineData("0 24 * * *", "hour")]
    [InlineData("0 0 30 2 *", "never comes")]
    [InlineData("0 0 L * *", "day of month")]
    [InlineData("0 0 * * MON-SUN", "day of week")]
    [InlineData("5-1 * * * *", "minute")]
    [InlineData("-1 * * * *", "minute")]
    [InlineData("* * * *", "five fields")]
    [InlineData("@reboot", "five fields")]
    [InlineData("", "five fields")]
    [InlineData("1,,2 * * * *", "minute")]
    [InlineData("1/2/3 * * * *", "minute")]
    public void What_is_no_expression_is_refused_and_the_message_says_where(string expression, string where)
    {
        Assert.Contains(where, Assert.Throws<FormatException>(() => CronExpression.Parse(expression)).Message, StringComparison.Ordinal);
        Assert.False(CronExpression.TryParse(expression, out _));
    }

    [Fact]
    public void Each_next_time_is_later_than_the_one_before_over_years_of_changing_clocks()
    {
        foreach (string text in new[] { "*/17 * * * *", "*/20 1-3 * * *", "15 2 * * SUN", "0 0 2 * * *" })
        {
            var expression = CronExpression.Parse(text);
            var at = new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
            for (int i = 0; i < 2000; i++)
            {
                var next = expression.Next(at, Berlin)!.Value;
                Assert.True(next > at);
                Assert.Equal(next, expression.Next(next.AddTicks(-1), Berlin));
                at = next;
            }
        }
    }

    private static IEnumerable<string> Preview(string expression, string after, int count) =>
        CronExpression.Parse(expression).Preview(DateTimeOffset.Parse(after, null), Berlin, count).Select(time => TimeZoneInfo.ConvertTime(time, Berlin).ToString("yyyy-MM-ddTHH:mmzzz", null));
}
