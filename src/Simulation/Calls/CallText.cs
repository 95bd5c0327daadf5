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

    /// <summary>A specification of another kind, for the trace; null where the trace has none.</summary>
    public static string? Json<T>(World world, T value)
        where T : notnull => world.Options.TraceCalls ? Encoding.UTF8.GetString(ModelJson.Default.Write(value)) : null;

    /// <summary>A path or a name as one word, in which nothing is taken for a setting of the request.</summary>
    public static string Word(string text) => text.Length == 0 ? "%" : text.Replace("%", "%25", StringComparison.Ordinal).Replace(" ", "%20", StringComparison.Ordinal).Replace("=", "%3D", StringComparison.Ordinal);

    /// <summary>Reads it back.</summary>
    public static string ReadWord(string word) => word == "%" ? "" : Uri.UnescapeDataString(word);

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
        var id = ReadRequest(words[0]);
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

    /// <summary>The id that a request has in a replay: its number decides it. Null for a call without one.</summary>
    public static RequestId? ReadRequest(string name) => name.Length > 1 && name[0] == 'r' && long.TryParse(name.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
        ? RequestId.FromGuid(new Guid(0x5eed, 0, 0x4000, [0x80, 0, .. BitConverter.GetBytes(System.Net.IPAddress.HostToNetworkOrder(number))[2..]])) : null;
}
