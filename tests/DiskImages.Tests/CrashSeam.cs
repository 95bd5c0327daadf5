namespace Hypervisor.Sdk.DiskImages.Tests;

/// <summary>Counts the effects, and from a chosen moment on behaves as if the process were dead: moments 2n-1 and 2n are before and after effect n.</summary>
internal sealed class CrashSeam : IDurableSeam
{
    private int _moments;

    public int CrashAt { get; init; } = int.MaxValue;

    public List<string> Effects { get; } = [];

    public void Before(string effect)
    {
        Reach();
        Effects.Add(effect);
    }

    public void After(string effect) => Reach();

    private void Reach()
    {
        if (++_moments >= CrashAt)
            throw new CrashException();
    }
}
