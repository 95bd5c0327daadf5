namespace Hypervisor.Sdk;

/// <summary>How to watch.</summary>
public sealed class WatchOptions
{
    /// <summary>Go on after this position, which an event or a page named. Default: from now.</summary>
    public EventPosition? After { get; init; }

    /// <summary>Begin with an <see cref="InstanceObserved"/> for every instance, then <see cref="Synchronized"/>. Default false.</summary>
    public bool IncludeSnapshot { get; init; }

    /// <summary>How many events may wait to be read, 1 or more. When one more comes, the oldest are dropped and an <see cref="EventGap"/> stands in their place. Default 4096.</summary>
    public int Capacity { get; init; } = 4096;
}
