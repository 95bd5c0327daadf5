using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Lxd;

/// <summary>An event of a server, or that events are missing.</summary>
public sealed class LxdNews
{
    internal LxdNews(LxdEvent? told, string? gap)
    {
        Event = told;
        Gap = gap;
    }

    /// <summary>The event; null where events are missing.</summary>
    public LxdEvent? Event { get; }

    /// <summary>Why events are missing here: the connection was lost and is there again, or the reader was too slow. Ask anew for what must be known. Null for an event.</summary>
    public string? Gap { get; }

    /// <summary>Events are missing here.</summary>
    [MemberNotNullWhen(true, nameof(Gap))]
    [MemberNotNullWhen(false, nameof(Event))]
    public bool IsGap => Gap is not null;
}
