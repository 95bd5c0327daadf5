using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>A request that is under way. Its record is locked as long as this is alive: whoever can lock it knows that nobody is at it any more.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RunningRequest(RequestJournal journal, RequestRecord record, SafeFileHandle file) : IDisposable
{
    public RequestRecord Record { get; } = record;

    /// <summary>Writes down that it happened. Needs no space on the disk.</summary>
    public void Succeed() => journal.Succeed(Record);

    /// <summary>Writes down that it did not, and why.</summary>
    public void Fail(HypervisorException error) => journal.Fail(Record, error);

    public void Dispose() => file.Dispose();
}
