namespace Hypervisor.Sdk.Qemu.State;

/// <summary>How an operation ended, in the words of the journal.</summary>
internal static class JournalOutcomes
{
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
}
