using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Jobs;

/// <summary>
/// When something recurs, as cron says it: minute, hour, day of month, month, day of week, with seconds before them where there are six fields; <c>@yearly</c>, <c>@monthly</c>, <c>@weekly</c>,
/// <c>@daily</c>, <c>@hourly</c>. Fields are <c>*</c>, numbers, names of three letters, ranges, lists, steps. Where both days are restricted, either is enough.
/// </summary>
/// <remarks>
/// Clocks that change: an expression whose hour is restricted fires once for a time of day. A time that is skipped fires at the end of the gap, one that comes twice fires the first time only. An expression
/// for every hour goes by elapsed time: it fires in both passes of a repeated hour, and makes up for nothing in a gap.
/// </remarks>
public sealed class CronExpression
{
    // 29 February on one day of the week may be forty years away, around a century that has none.
    private const int MaxDays = (40 * 366) + 1;
    private const ulong EveryHour = (1UL << 24) - 1;
    private static readonly TimeSpan Near = TimeSpan.FromHours(4);

    private readonly string _text;
    private readonly ulong _seconds;
    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _days;
    private readonly ulong _months;
    private readonly ulong _weekDays;
    private readonly bool _isEitherDay;
    private readonly bool _isEveryHour;

    private CronExpression(string text)
    {
        _text = text;
        string[] fields = CronFields.Split(text);
        _seconds = fields.Length == 6 ? CronFields.Read(fields[0], "second", 0, 59, []) : 1;
        fields = fields[^5..];
        _minutes = CronFields.Read(fields[0], "minute", 0, 59, []);
        _hours = CronFields.Read(fields[1], "hour", 0, 23, []);
        _days = CronFields.Read(fields[2], "day of month", 1, 31, []);
        _months = CronFields.Read(fields[3], "month", 1, 12, CronFields.Months);
        ulong weekDays = CronFields.Read(fields[4], "day of week", 0, 7, CronFields.WeekDays);
        _weekDays = (weekDays | (weekDays >> 7)) & 0x7F;
        _isEitherDay = fields[2][0] != '*' && fields[4][0] != '*';
        _isEveryHour = _hours == EveryHour;
        if (NextLocal(new DateTime(2024, 1, 1)) is null)
            throw new FormatException($"The cron expression '{text}' never comes: there is no such day.");
    }

    /// <summary>Reads an expression.</summary>
    /// <exception cref="FormatException">It is none, or never comes; the message says which field is wrong.</exception>
    public static CronExpression Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new CronExpression(text);
    }

    /// <summary>Reads an expression.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out CronExpression? expression)
    {
        try
        {
            expression = text is null ? null : new CronExpression(text);
        }
        catch (FormatException)
        {
            expression = null;
        }

        return expression is not null;
    }

    /// <summary>The first time after <paramref name="after"/>; null where it is beyond the calendar.</summary>
    /// <param name="after">A moment.</param>
    /// <param name="zone">Whose clocks count.</param>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        bool isNearChange = zone.GetUtcOffset(after - Near) != zone.GetUtcOffset(after + Near);
        var local = TimeZoneInfo.ConvertTime(after, zone).DateTime;
        if (isNearChange)
            local -= Near;
        DateTimeOffset? first = null;
        DateTime? until = null;
        while (NextLocal(local) is { } match && !(match > until))
        {
            foreach (var moment in Moments(match, zone))
            {
                if (moment > after && !(moment >= first))
                    first = moment;
            }

            if (first is not null)
                until ??= isNearChange ? match + Near : match;
            local = match;
        }

        return first;
    }

    /// <summary>The next times, as many as are asked for: what a page shows before somebody saves an expression.</summary>
    public IReadOnlyList<DateTimeOffset> Preview(DateTimeOffset after, TimeZoneInfo zone, int count)
    {
        var times = new List<DateTimeOffset>();
        while (times.Count < count && Next(times.Count == 0 ? after : times[^1], zone) is { } next)
            times.Add(next);
        return times;
    }

    /// <summary>The expression as it was read.</summary>
    public override string ToString() => _text;

    private IEnumerable<DateTimeOffset> Moments(DateTime local, TimeZoneInfo zone)
    {
        if (zone.IsInvalidTime(local))
        {
            if (!_isEveryHour)
                yield return EndOfGap(local, zone);
        }
        else if (zone.IsAmbiguousTime(local))
        {
            var offsets = zone.GetAmbiguousTimeOffsets(local);
            yield return new DateTimeOffset(local, offsets.Max());
            if (_isEveryHour)
                yield return new DateTimeOffset(local, offsets.Min());
        }
        else
        {
            yield return new DateTimeOffset(local, zone.GetUtcOffset(local));
        }
    }

    // Zones change at whole minutes.
    private static DateTimeOffset EndOfGap(DateTime local, TimeZoneInfo zone)
    {
        var minute = new DateTime(local.Year, local.Month, local.Day, local.Hour, local.Minute, 0);
        while (zone.IsInvalidTime(minute))
            minute = minute.AddMinutes(1);
        return new DateTimeOffset(minute, zone.GetUtcOffset(minute));
    }

    private DateTime? NextLocal(DateTime after)
    {
        if (after > DateTime.MaxValue.AddYears(-9))
            return null;
        var from = after.AddTicks(TimeSpan.TicksPerSecond - (after.Ticks % TimeSpan.TicksPerSecond));
        var day = from.Date;
        for (int i = 0; i < MaxDays; i++, day = day.AddDays(1))
        {
            if (Has(_months, day.Month) && IsDay(day) && TimeFrom(day == from.Date ? from.TimeOfDay : TimeSpan.Zero) is { } time)
                return day + time;
        }

        return null;
    }

    private bool IsDay(DateTime day)
    {
        bool isDay = Has(_days, day.Day);
        bool isWeekDay = Has(_weekDays, (int)day.DayOfWeek);
        return _isEitherDay ? isDay || isWeekDay : isDay && isWeekDay;
    }

    private TimeSpan? TimeFrom(TimeSpan from)
    {
        for (int hour = from.Hours; hour < 24; hour++)
        {
            if (!Has(_hours, hour))
                continue;
            for (int minute = hour == from.Hours ? from.Minutes : 0; minute < 60; minute++)
            {
                if (!Has(_minutes, minute))
                    continue;
                for (int second = hour == from.Hours && minute == from.Minutes ? from.Seconds : 0; second < 60; second++)
                {
                    if (Has(_seconds, second))
                        return new TimeSpan(hour, minute, second);
                }
            }
        }

        return null;
    }

    private static bool Has(ulong set, int value) => (set >> value & 1) != 0;
}
