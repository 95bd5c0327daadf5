namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>Something that stays open between a caller and a guest, and changes the guest by what is said to it: each word is a line <c>session</c> of the trace.</summary>
internal interface ITracedSession
{
    /// <summary>Does what a line of the trace says was done.</summary>
    /// <param name="action">The word: <c>write</c>, <c>type</c>, <c>end</c>.</param>
    /// <param name="text">The rest of the line.</param>
    /// <exception cref="FormatException">There is no such word, or the rest is none for it.</exception>
    Task AgainAsync(string action, string text);
}
