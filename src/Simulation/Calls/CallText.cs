using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>What a caller said, for the trace: his request by its number, what he compares, and the arguments.</summary>
internal static class CallText
{
    /// <summary>A specification, for the trace; null where the trace has none, or an extension of another backend's has no JSON form: then the call cannot be replayed.</summary>
    public static string? Of(World world, InstanceSpec spec)
    {
        if (!world.Options.TraceCalls)
            return null;
        try
        {
            return Encoding.UTF8.GetString(ModelJson.Default.Write(spec));
        }
        catch (InvalidOperationException) when (spec.Extensions.All.Count > 0)
        {
            return null;
        }
    }

    public static string Of(World world, RequestOptions? request, string? arguments)
    {
        var text = new StringBuilder(world.Works.NameOf(request?.RequestId));
        if (request?.IfRevision is { } revision)
            text.Append(CultureInfo.InvariantCulture, $" ifRevision={revision}");
        if (request?.IfIncarnation is { } incarnation)
            text.Append(CultureInfo.InvariantCulture, $" ifIncarnation={incarnation}");
        if (request?.FencingToken is { } token)
            text.Append(CultureInfo.InvariantCulture, $" fence={token}");
        if (request?.Deadline is { } deadline)
            text.Append(CultureInfo.InvariantCulture, $" deadline={deadline.Ticks}");
        if (arguments is not null)
            text.Append(' ').Append(arguments);
        return text.ToString();
    }

    /// <summary>Reads it back: the request, with an id that its number decides, and the arguments.</summary>
    public static (RequestOptions Request, string Arguments) Read(string text)
    {
        string[] words = text.Split(' ');
        RequestId? id = words[0].Length > 1 && words[0][0] == 'r' && long.TryParse(words[0].AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out long name)
            ? RequestId.FromGuid(new Guid(0x5eed, 0, 0x4000, [0x80, 0, .. BitConverter.GetBytes(System.Net.IPAddress.HostToNetworkOrder(name))[2..]])) : null;
        Revision? revision = null;
        Incarnation? incarnation = null;
        long? fence = null;
        TimeSpan? deadline = null;
        int read = 1;
        for (; read < words.Length; read++)
        {
            int sign = words[read].IndexOf('=', StringComparison.Ordinal);
            string key = sign < 0 ? "" : words[read][..sign], value = words[read][(sign + 1)..];
            if (key == "ifRevision")
                revision = Revision.Parse(value);
            else if (key == "ifIncarnation")
                incarnation = Incarnation.Parse(value);
            else if (key == "fence")
                fence = long.Parse(value, CultureInfo.InvariantCulture);
            else if (key == "deadline")
                deadline = new TimeSpan(long.Parse(value, CultureInfo.InvariantCulture));
            else
                break;
        }

        var request = new RequestOptions { RequestId = id, IfRevision = revision, IfIncarnation = incarnation, FencingToken = fence, Deadline = deadline };
        return (request, string.Join(' ', words.Skip(read)));
    }
}
