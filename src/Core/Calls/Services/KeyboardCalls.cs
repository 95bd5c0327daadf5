namespace Hypervisor.Sdk;

/// <summary><see cref="IKeyboard"/>, each call through the pipeline.</summary>
internal sealed class KeyboardCalls(IKeyboard inner, CallPipeline calls) : IKeyboard
{
    public Task PressAsync(InstanceId id, IReadOnlyList<string> keys, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("keyboard.press", id, null, true), (inner, id, keys), static (s, token) => s.inner.PressAsync(s.id, s.keys, token), cancellationToken);
}
