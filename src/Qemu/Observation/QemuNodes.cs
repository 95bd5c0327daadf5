using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>This machine, the only node there is.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuNodes(QemuServices services) : INodes
{
    /// <summary>The host's name; one that the kernel has no name for is called localhost.</summary>
    public static NodeName ThisNode { get; } = NodeName.TryParse(Environment.MachineName, null, out var name) ? name : NodeName.Parse("localhost");

    public async IAsyncEnumerable<Node> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (total, available) = ProcFiles.Memory();
        yield return new Node
        {
            Name = ThisNode,
            Architecture = QemuArchitectures.Host,
            Emulated = [.. services.Architectures.All.Select(known => services.Architectures.Ask(QemuArchitectures.Host, known.Architecture)).Where(answer => answer.Mode == EmulationMode.Emulated).Select(answer => answer.Guest)],
            Cpus = Environment.ProcessorCount,
            Memory = total,
            MemoryAvailable = available,
        };
        await Task.CompletedTask.ConfigureAwait(false);
    }
}
