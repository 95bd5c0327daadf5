using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>This machine, the only node there is.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuNodes : INodes
{
    /// <summary>The host's name; one that the kernel has no name for is called localhost.</summary>
    public static NodeName ThisNode { get; } = NodeName.TryParse(Environment.MachineName, null, out var name) ? name : NodeName.Parse("localhost");

    /// <summary>The host's processor as the kernel calls it.</summary>
    public static Sdk.Architecture HostArchitecture { get; } = RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => Sdk.Architecture.X64,
        System.Runtime.InteropServices.Architecture.Arm64 => Sdk.Architecture.Arm64,
        System.Runtime.InteropServices.Architecture.RiscV64 => Sdk.Architecture.RiscV64,
        System.Runtime.InteropServices.Architecture.Ppc64le => Sdk.Architecture.Ppc64Le,
        System.Runtime.InteropServices.Architecture.S390x => Sdk.Architecture.S390X,
        var other => Sdk.Architecture.Parse(other.ToString().ToLowerInvariant()),
    };

    public async IAsyncEnumerable<Node> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (total, available) = ProcFiles.Memory();
        yield return new Node
        {
            Name = ThisNode,
            Architecture = HostArchitecture,
            Emulated = HostArchitecture == Sdk.Architecture.X64 ? [] : [Sdk.Architecture.X64],
            Cpus = Environment.ProcessorCount,
            Memory = total,
            MemoryAvailable = available,
        };
        await Task.CompletedTask.ConfigureAwait(false);
    }
}
