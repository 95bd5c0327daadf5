namespace Hypervisor.Sdk;

/// <summary>A part of a list.</summary>
/// <typeparam name="T">What is listed.</typeparam>
public sealed class Page<T>
{
    /// <summary>The items; may be fewer than asked for, even none, while <see cref="Continuation"/> is set.</summary>
    public required IReadOnlyList<T> Items { get; init; }

    /// <summary>Gets the next page; null on the last one.</summary>
    public string? Continuation { get; init; }

    /// <summary>Where in the stream of events this page was true, where the backend says: a watch from here misses nothing.</summary>
    public EventPosition? Position { get; init; }

    /// <summary>The nodes that did not answer: their items are missing.</summary>
    public IReadOnlyList<HypervisorException> Unreachable { get; init; } = [];
}
