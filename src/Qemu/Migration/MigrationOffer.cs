using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What the QEMU of a host has for guests of one architecture, by its own word.</summary>
internal sealed record MigrationOffer
{
    /// <summary>The most that a processor can have there.</summary>
    private const string Most = "max";

    /// <summary>The machine types.</summary>
    public required IReadOnlySet<string> MachineTypes { get; init; }

    /// <summary>The processor models; empty where this QEMU names none.</summary>
    public required IReadOnlySet<string> CpuModels { get; init; }

    /// <summary>The features that a processor can be asked to have or not, and whether it can have them here.</summary>
    public required IReadOnlyDictionary<string, bool> CpuFeatures { get; init; }

    /// <summary>Why guests do not come by post-copy; null when they do.</summary>
    public string? PostCopyProblem { get; init; }

    /// <summary>Asks a QEMU without a machine.</summary>
    [SupportedOSPlatform("linux")]
    public static Task<MigrationOffer> AskAsync(QemuServices services, MachineConfig config, CancellationToken cancellationToken) => QemuProbe.AskAsync(
        services, config,
        async client =>
        {
            var machines = await client.QueryMachinesAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            return new MigrationOffer
            {
                MachineTypes = machines.SelectMany(static machine => (string?[])[machine.Name, machine.Alias]).OfType<string>().ToHashSet(StringComparer.Ordinal),
                CpuModels = await ModelsAsync(client, cancellationToken).ConfigureAwait(false),
                CpuFeatures = await ExpandAsync(client, Most, null, cancellationToken).ConfigureAwait(false) ?? new Dictionary<string, bool>(),
                PostCopyProblem = await PostCopyProblemAsync(services, client, cancellationToken).ConfigureAwait(false),
            };
        }, cancellationToken);

    /// <summary>The features of the processor that a guest has, by the word of its QEMU: what its model and its user ask for, and what there is.</summary>
    /// <param name="client">The QEMU that runs the guest.</param>
    /// <param name="model">The processor as <c>-cpu</c> was told it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Empty where this QEMU does not say.</returns>
    public static async Task<IReadOnlySet<string>> FeaturesAsync(QmpClient client, string model, CancellationToken cancellationToken)
    {
        string[] parts = model.Split(',');
        var wanted = parts.Skip(1).Select(static part => part[..1] switch
        {
            "+" => (Name: part[1..], Value: (bool?)true),
            "-" => (part[1..], false),
            _ => part.Split('=') is [var name, "on" or "off"] pair ? (name, pair[1] == "on") : (part, null),
        }).Where(static feature => feature.Value is not null).GroupBy(static feature => feature.Name, StringComparer.Ordinal).ToDictionary(static group => group.Key, static group => group.Last().Value!.Value, StringComparer.Ordinal);
        var props = wanted.Count == 0 ? default(QapiAny?) : QapiAny.FromJson("{" + string.Join(',', wanted.Select(static pair => $"\"{JsonEncodedText.Encode(pair.Key)}\":{(pair.Value ? "true" : "false")}")) + "}");
        var asked = await ExpandAsync(client, parts[0], props, cancellationToken).ConfigureAwait(false);
        var there = await ExpandAsync(client, Most, null, cancellationToken).ConfigureAwait(false);
        return asked is null || there is null ? new HashSet<string>() : asked.Where(feature => feature.Value && there.GetValueOrDefault(feature.Key)).Select(static feature => feature.Key).ToHashSet(StringComparer.Ordinal);
    }

    private static async Task<IReadOnlySet<string>> ModelsAsync(QmpClient client, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.QueryCpuDefinitionsAsync(cancellationToken).ConfigureAwait(false)).Select(static model => model.Name).ToHashSet(StringComparer.Ordinal);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected || error.Code == ErrorCode.Unsupported)
        {
            // Some architectures have no list of them.
            return new HashSet<string>();
        }
    }

    private static async Task<Dictionary<string, bool>?> ExpandAsync(QmpClient client, string model, QapiAny? props, CancellationToken cancellationToken)
    {
        try
        {
            var expansion = await client.QueryCpuModelExpansionAsync(CpuModelExpansionType.Full, new CpuModelInfo { Name = model, Props = props }, cancellationToken).ConfigureAwait(false);
            return expansion.Model.Props?.Json is { ValueKind: JsonValueKind.Object } all
                ? all.EnumerateObject().Where(static feature => feature.Value.ValueKind is JsonValueKind.True or JsonValueKind.False).ToDictionary(static feature => feature.Name, static feature => feature.Value.GetBoolean(), StringComparer.Ordinal)
                : null;
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected || error.Code == ErrorCode.Unsupported)
        {
            // Some architectures do not say what a model has.
            return null;
        }
    }

    [SupportedOSPlatform("linux")]
    private static async Task<string?> PostCopyProblemAsync(QemuServices services, QmpClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.MigrateSetCapabilitiesAsync([new MigrationCapabilityStatus { Capability = MigrationCapability.PostcopyRam, State = true }], cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            string user = services.Host.RunAs is { } runAs ? $"the user '{runAs.Name}'" : "its user";
            return $"QEMU says: {error.BackendMessage ?? error.Message} It needs userfaultfd(2), which the kernel gives to {user} when vm.unprivileged_userfaultfd is 1, and to QEMU 8.1 and later also when that user may open /dev/userfaultfd.";
        }
    }
}
