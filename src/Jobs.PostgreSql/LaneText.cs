using System.Globalization;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>The lanes of a job as one text: a line for each, which a key cannot hold.</summary>
internal static class LaneText
{
    public static string? Write(IReadOnlyList<LaneClaim> lanes) => lanes.Count == 0 ? null
        : string.Join('\n', lanes.Select(lane => string.Create(CultureInfo.InvariantCulture, $"{(lane.Mode == LaneMode.Exclusive ? 'E' : 'S')} {lane.Weight} {lane.Capacity ?? -1} {lane.Key}")));

    public static IReadOnlyList<LaneClaim> Read(string? text) => text is null ? [] : [.. text.Split('\n').Select(Line)];

    private static LaneClaim Line(string line)
    {
        string[] parts = line.Split(' ', 4);
        int capacity = int.Parse(parts[2], CultureInfo.InvariantCulture);
        return new LaneClaim
        {
            Mode = parts[0] == "E" ? LaneMode.Exclusive : LaneMode.Shared,
            Weight = int.Parse(parts[1], CultureInfo.InvariantCulture),
            Capacity = capacity < 0 ? null : capacity,
            Key = LaneKey.Parse(parts[3]),
        };
    }
}
