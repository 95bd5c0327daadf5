using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>Numbers sessions in the order of their opening, and notes what is said to them. Belongs to the loop.</summary>
internal sealed class SessionLog(World world)
{
    private Dictionary<long, ITracedSession>? _kept;
    private long _last;

    /// <summary>Keeps the sessions from now on, so that <see cref="Find"/> knows them: a replay does, nobody else needs them.</summary>
    public void Keep() => _kept ??= [];

    /// <summary>A session was opened.</summary>
    /// <returns>Its number.</returns>
    public long Add(ITracedSession session)
    {
        _last++;
        _kept?.Add(_last, session);
        return _last;
    }

    public ITracedSession? Find(long number) => _kept?.GetValueOrDefault(number);

    /// <summary>Something was said to a session, and is about to be done.</summary>
    /// <param name="number">The session's number.</param>
    /// <param name="instance">The instance that it is of.</param>
    /// <param name="action">The word for it.</param>
    /// <param name="text">The rest, when the line is kept.</param>
    public void Note(long number, string instance, string action, Func<string>? text = null)
    {
        if (world.Options.TraceCalls)
            world.Note("session", instance, string.Create(CultureInfo.InvariantCulture, $"{number} {action}{(text is null ? "" : " ")}{text?.Invoke()}"));
    }

    /// <summary>Bytes as characters, one each: what is text can be read in the trace.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>Reads them back.</summary>
    /// <exception cref="FormatException">A character is none of a byte.</exception>
    public static byte[] Bytes(string text) =>
        text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff') ? throw new FormatException("a character of it is none of a byte") : Encoding.Latin1.GetBytes(text);
}
