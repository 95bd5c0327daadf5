using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

internal static partial class GuestPrograms
{
    /// <summary>What a simulated kernel calls itself: nobody shall take it for a real one.</summary>
    public const string KernelRelease = "6.1.0-simulated";

    private static ValueTask<int> SystemName(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "asnrvm") is not { } read)
            return new(1);
        bool all = read.Options.Contains('a');
        var parts = new List<string>();
        void Add(char option, string text)
        {
            if (all || read.Options.Contains(option) || (option == 's' && read.Options.Count == 0))
                parts.Add(text);
        }

        Add('s', "Linux");
        Add('n', call.System.HostName);
        Add('r', KernelRelease);
        Add('v', "#1 SMP");
        Add('m', call.System.Machine);
        call.Print(string.Join(' ', parts) + (all ? " GNU/Linux\n" : "\n"));
        return new(0);
    }

    private static ValueTask<int> HostName(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "s") is not { } read)
            return new(1);
        if (read.Rest.Count > 0)
            call.System.HostName = read.Rest[0];
        else
            call.Print(call.System.HostName + "\n");
        return new(0);
    }

    private static ValueTask<int> Processors(GuestCall call, CancellationToken cancellationToken)
    {
        call.Print(string.Create(CultureInfo.InvariantCulture, $"{call.System.Cpus}\n"));
        return new(0);
    }

    private static ValueTask<int> Uptime(GuestCall call, CancellationToken cancellationToken)
    {
        var up = call.System.Now - call.System.BootedAt;
        string load = string.Create(CultureInfo.InvariantCulture, $"{call.System.LoadAverage:F2}");
        call.Print(string.Create(CultureInfo.InvariantCulture, $" {call.System.Now.UtcDateTime:HH:mm:ss} up {(int)up.TotalDays} days, {up:hh\\:mm},  load average: {load}, {load}, {load}\n"));
        return new(0);
    }

    private static ValueTask<int> Memory(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "mkb") is not { } read)
            return new(1);
        long unit = read.Options.Contains('m') ? 1 << 20 : read.Options.Contains('b') ? 1 : 1 << 10;
        long total = call.System.MemoryBytes / unit, used = call.System.MemoryUsedBytes / unit;
        call.Print(string.Create(CultureInfo.InvariantCulture, $"{"",14}{"total",12}{"used",12}{"free",12}\n{"Mem:",-14}{total,12}{used,12}{total - used,12}\n{"Swap:",-14}{0,12}{0,12}{0,12}\n"));
        return new(0);
    }

    private static ValueTask<int> DiskFree(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "kmh") is not { } read)
            return new(1);
        bool megabytes = read.Options.Overlaps("mh");
        long unit = megabytes ? 1 << 20 : 1 << 10;
        long total = call.System.Files.CapacityBytes / unit, used = (call.System.Files.UsedBytes + unit - 1) / unit;
        call.Print(string.Create(CultureInfo.InvariantCulture, $"{"Filesystem",-20} {(megabytes ? "1M-blocks" : "1K-blocks"),10} {"Used",10} {"Available",10} {"Use%",5} Mounted on\n{"/dev/vda",-20} {total,10} {used,10} {Math.Max(0, total - used),10} {100 * used / Math.Max(1, total),4}% /\n"));
        return new(0);
    }

    private static ValueTask<int> Date(GuestCall call, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).Where(word => word != "-u").ToList();
        var now = call.System.Now.UtcDateTime;
        if (words.Count == 0)
        {
            call.Print(now.ToString("ddd MMM dd HH:mm:ss 'UTC' yyyy", CultureInfo.InvariantCulture) + "\n");
            return new(0);
        }

        if (words.Count > 1 || words[0][0] != '+')
            return new(call.Fail("usage: date [-u] [+FORMAT]"));
        var text = new StringBuilder();
        for (int i = 1; i < words[0].Length; i++)
        {
            if (words[0][i] != '%' || i + 1 == words[0].Length)
            {
                text.Append(words[0][i]);
                continue;
            }

            char place = words[0][++i];
            string? value = place switch
            {
                's' => call.System.Now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
                'F' => now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                'T' => now.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
                'Y' => now.ToString("yyyy", CultureInfo.InvariantCulture),
                'm' => now.ToString("MM", CultureInfo.InvariantCulture),
                'd' => now.ToString("dd", CultureInfo.InvariantCulture),
                'H' => now.ToString("HH", CultureInfo.InvariantCulture),
                'M' => now.ToString("mm", CultureInfo.InvariantCulture),
                'S' => now.ToString("ss", CultureInfo.InvariantCulture),
                'N' => (now.Ticks % 10_000_000 * 100).ToString("D9", CultureInfo.InvariantCulture),
                '%' => "%",
                _ => null,
            };
            if (value is null)
                return new(call.Fail($"this simulated guest does not know %{place}"));
            text.Append(value);
        }

        call.Print(text.Append('\n').ToString());
        return new(0);
    }

    private static ValueTask<int> Identity(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "un") is not { } read)
            return new(1);
        call.Print(read.Options.Contains('u') ? read.Options.Contains('n') ? "root\n" : "0\n" : "uid=0(root) gid=0(root) groups=0(root)\n");
        return new(0);
    }

    private static ValueTask<int> WhoAmI(GuestCall call, CancellationToken cancellationToken)
    {
        call.Print("root\n");
        return new(0);
    }

    private static ValueTask<int> Processes(GuestCall call, CancellationToken cancellationToken)
    {
        call.Print("  PID USER     COMMAND\n    1 root     init\n    2 root     [kthreadd]\n   40 root     /bin/sh\n");
        return new(0);
    }

    private static ValueTask<int> Addresses(GuestCall call, CancellationToken cancellationToken)
    {
        if (call.Arguments.Count < 2 || call.Arguments[1] is not ("a" or "addr" or "address"))
            return new(call.Fail("usage: ip address"));
        call.Print("1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n");
        int number = 2;
        foreach (var (name, mac, address) in call.System.Networks)
        {
            call.Print(string.Create(CultureInfo.InvariantCulture, $"{number++}: {name}: <BROADCAST,UP> mtu 1500\n"));
            if (mac is not null)
                call.Print($"    link/ether {mac}\n");
            if (address is not null)
                call.Print($"    {(address.Contains(':', StringComparison.Ordinal) ? "inet6" : "inet")} {address} scope global {name}\n");
        }

        return new(0);
    }

    private static ValueTask<int> PowerOff(GuestCall call, CancellationToken cancellationToken)
    {
        call.System.PowerOff(restart: call.Name.EndsWith("reboot", StringComparison.Ordinal));
        return new(0);
    }
}
