using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.GuestAgent;

/// <content>What the generated methods call.</content>
public sealed partial class GuestAgentClient
{
    private static readonly QapiRead<bool> s_nothing = static (ref Utf8JsonReader r) =>
    {
        r.Skip();
        return true;
    };

    private async ValueTask CallAsync(QapiCommand command, CancellationToken cancellationToken) =>
        await _session.CallAsync(command, null, s_nothing, _timeout, cancellationToken).ConfigureAwait(false);

    private async ValueTask<T> CallAsync<T>(QapiCommand command, QapiRead<T> read, CancellationToken cancellationToken) =>
        await _session.CallAsync(command, null, read, _timeout, cancellationToken).ConfigureAwait(false);

    private async ValueTask<T> CallAsync<T>(QapiCommand command, QapiObject arguments, QapiRead<T> read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return await _session.CallAsync(command, arguments.WriteMembers, read, _timeout, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask CallAsync<TState>(QapiCommand command, TState state, Action<Utf8JsonWriter, TState> write, CancellationToken cancellationToken) =>
        await _session.CallAsync(command, w => write(w, state), s_nothing, _timeout, cancellationToken).ConfigureAwait(false);

    private async ValueTask<T> CallAsync<TState, T>(QapiCommand command, TState state, Action<Utf8JsonWriter, TState> write, QapiRead<T> read, CancellationToken cancellationToken) =>
        await _session.CallAsync(command, w => write(w, state), read, _timeout, cancellationToken).ConfigureAwait(false);

    private async ValueTask CallWithoutReplyAsync(QapiCommand command, CancellationToken cancellationToken) =>
        await _session.CallWithoutReplyAsync(command, null, cancellationToken).ConfigureAwait(false);

    private async ValueTask CallWithoutReplyAsync<TState>(QapiCommand command, TState state, Action<Utf8JsonWriter, TState> write, CancellationToken cancellationToken) =>
        await _session.CallWithoutReplyAsync(command, w => write(w, state), cancellationToken).ConfigureAwait(false);
}
