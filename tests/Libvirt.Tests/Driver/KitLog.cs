namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>What the kit found, as it goes: a run that is stopped has left something.</summary>
internal static class KitLog
{
    private static readonly Lock s_lock = new();

    public static void Write(string column, Hypervisor.Sdk.Conformance.CheckResult result)
    {
        lock (s_lock)
            File.AppendAllText(Path.Combine(Directory.CreateDirectory(Repository.PathOf("artifacts", "conformance")).FullName, column + ".log"), FormattableString.Invariant($"{result.Id} {result.Outcome} {result.Took.TotalSeconds:0.00} s {result.Message}\n"));
    }
}
