using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>What the generated methods call.</content>
public sealed partial class QmpClient
{
    private static readonly Action<Utf8JsonWriter, QapiObject> s_writeMembers = static (w, arguments) => arguments.WriteMembers(w);

    /// <summary>Executes a command by its name: one that a newer server has and this library does not know.</summary>
    /// <param name="command">As in <see cref="Commands"/>.</param>
    /// <param name="arguments">A JSON object, or null for none.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="HypervisorException">See <see cref="QmpClient"/>.</exception>
    public ValueTask<QapiAny> ExecuteAsync(string command, QapiAny? arguments = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(command);
        if (arguments is { Json.ValueKind: not JsonValueKind.Object })
            throw new ArgumentException("The arguments of a command are a JSON object.", nameof(arguments));
        var named = Array.Find(QmpCommands.All, known => known.Name == command) ?? new QapiCommand(-1, command);
        return _session.CallAsync(named, arguments, arguments is null ? null : WriteMembers, Wire.Any, false, _timeout, cancellationToken);

        static void WriteMembers(Utf8JsonWriter w, QapiAny? value)
        {
            foreach (var member in value!.Value.Json.EnumerateObject())
                member.WriteTo(w);
        }
    }

    /// <summary>What the server says of its commands. Asked once for a connection.</summary>
    /// <exception cref="HypervisorException">See <see cref="QmpClient"/>.</exception>
    public async ValueTask<QmpSchema> GetSchemaAsync(CancellationToken cancellationToken = default) =>
        _session.Schema ??= new QmpSchema(await QueryQmpSchemaAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>The state of the machine, without a byte on the heap: what <c>query-status</c> says in <see cref="StatusInfo"/>.</summary>
    /// <exception cref="HypervisorException">See <see cref="QmpClient"/>.</exception>
    public ValueTask<RunStatus> GetRunStatusAsync(CancellationToken cancellationToken = default) =>
        CallAsync(QmpCommands.QueryStatus, static (ref Utf8JsonReader r) => RunStatus.Read(ref r), cancellationToken);

    private ValueTask CallAsync(QapiCommand command, CancellationToken cancellationToken) =>
        _session.CallAsync<NoArguments>(command, default, null, false, _timeout, cancellationToken);

    private ValueTask CallAsync(QapiCommand command, bool outOfBand, CancellationToken cancellationToken) =>
        _session.CallAsync<NoArguments>(command, default, null, outOfBand, _timeout, cancellationToken);

    private ValueTask<T> CallAsync<T>(QapiCommand command, QapiRead<T> read, CancellationToken cancellationToken) =>
        _session.CallAsync<NoArguments, T>(command, default, null, read, false, _timeout, cancellationToken);

    private ValueTask<T> CallAsync<T>(QapiCommand command, QapiRead<T> read, bool outOfBand, CancellationToken cancellationToken) =>
        _session.CallAsync<NoArguments, T>(command, default, null, read, outOfBand, _timeout, cancellationToken);

    private ValueTask CallAsync(QapiCommand command, QapiObject arguments, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return _session.CallAsync(command, arguments, s_writeMembers, false, _timeout, cancellationToken);
    }

    private ValueTask<T> CallAsync<T>(QapiCommand command, QapiObject arguments, QapiRead<T> read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return _session.CallAsync(command, arguments, s_writeMembers, read, false, _timeout, cancellationToken);
    }

    private ValueTask CallAsync<TState>(QapiCommand command, TState state, Action<Utf8JsonWriter, TState> write, CancellationToken cancellationToken) =>
        _session.CallAsync(command, state, write, false, _timeout, cancellationToken);

    private ValueTask CallAsync<TState>(QapiCommand command, TState state, Action<Utf8JsonWriter, TState> write, bool outOfBand, CancellationToken cancellationToken) =>
        _session.CallAsync(command, state, write, outOfBand, _timeout, cancellationToken);

    private ValueTask<T> CallAsync<TState, T>(QapiCommand command, TState state, Action<Utf8JsonWriter, TState> write, QapiRead<T> read, CancellationToken cancellationToken) =>
        _session.CallAsync(command, state, write, read, false, _timeout, cancellationToken);
}
