namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// Is told of every effect that outlives the process: a file made, written, renamed, removed, a directory flushed. A test numbers the calls, throws at one of them, and sees what a crash there leaves behind;
/// once it has thrown it must go on throwing, so that nothing is cleaned up that a dead process would not have cleaned up.
/// </summary>
/// <remarks>Called on the thread that has the effect. Components that have effects of their own (a program that writes a file) call it likewise.</remarks>
public interface IDurableSeam
{
    /// <summary>The effect is about to happen. What this throws is thrown to the caller, and the effect does not happen.</summary>
    /// <param name="effect">Which one, in words: <c>rename web1.tmp to web1.json</c>.</param>
    void Before(string effect);

    /// <summary>The effect has happened and, where it says flush, will survive a power cut.</summary>
    /// <param name="effect">The words that <see cref="Before"/> was told.</param>
    void After(string effect);
}
