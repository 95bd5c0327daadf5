using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>The keyboard of a PC, pressed by QEMU itself.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuKeyboard(QemuServices services, MachineTable machines) : IKeyboard
{
    private const int MaxKeys = 16;

    private static readonly HashSet<string> s_known = [.. WordsOf<QKeyCode>().Except(["unmapped"])];

    public async Task PressAsync(InstanceId id, IReadOnlyList<string> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (keys.Count is 0 or > MaxKeys)
            throw Invalid($"1 to {MaxKeys} keys are pressed together; these are {keys.Count}");
        if (keys.FirstOrDefault(key => !s_known.Contains(key)) is { } unknown)
            throw Invalid($"'{DiskMaker.Echo(unknown)}' is not a key in QEMU's words (QKeyCode): a, 1, ret, esc, ctrl, alt, delete");
        var (machine, config, _) = await machines.RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        if (!config.EffectivePlatform.IsPc)
            throw new HypervisorException($"'{config.Name}' has no keyboard: only PCs have one here.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Backend = services.Name };
        var values = keys.Select(key => new KeyValue { Qcode = new QKeyCodeWrapper { Data = new QKeyCode(key) } }).ToList();
        await machines.AskAsync(machine, config, async client =>
        {
            await client.SendKeyAsync(values, cancellationToken: cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken).ConfigureAwait(false);
    }

    private static IReadOnlyList<string> WordsOf<T>()
        where T : struct, IQapiWord<T> => T.Known.Words;

    private HypervisorException Invalid(string why) => new($"Nothing was pressed: {why}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent) { Backend = services.Name, FieldErrors = new Dictionary<string, string> { ["keys"] = why } };
}
