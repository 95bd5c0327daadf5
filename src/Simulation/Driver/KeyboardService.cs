using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Guests;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Keyboards. What a guest hears is Ctrl+Alt+Delete, at which it boots anew as Linux does; other keys are in the trace and change nothing, for nobody reads its screen.</summary>
internal sealed class KeyboardService(SimulationClient client) : IKeyboard
{
    private const int MaxKeys = 16;

    public Task PressAsync(InstanceId id, IReadOnlyList<string> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        cancellationToken.ThrowIfCancellationRequested();
        if (keys.Count is 0 or > MaxKeys)
            throw Invalid($"1 to {MaxKeys} keys are pressed together; these are {keys.Count}");
        if (keys.FirstOrDefault(key => !KeyboardLayout.Has(key)) is { } unknown)
            throw Invalid($"'{unknown[..Math.Min(unknown.Length, 64)]}' is not a key in QEMU's words (QKeyCode): a, 1, ret, esc, ctrl, alt, delete");
        return client.World.Calls.EnterAsync(client, "press-keys", id.ToString(), () => CallText.Of(client.World, null, string.Join(' ', keys)), () =>
        {
            var instance = client.World.RequireMachine(id, "has no keyboard");
            if (!instance.IsUp)
                throw client.World.Error(ErrorCode.InvalidState, RequestOutcome.Rejected, $"'{instance.Name}' is {instance.State} and hears no keys.", instance.Text);
            if (KeyboardLayout.IsReboot(keys))
                client.World.GuestOf(instance).Reboot();
            return Task.FromResult(true);
        });
    }

    private HypervisorException Invalid(string why) =>
        new($"Nothing was pressed: {why}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent) { Backend = client.World.Name, FieldErrors = new Dictionary<string, string> { ["keys"] = why } };
}
