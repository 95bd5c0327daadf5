using System.Net;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>One wait: what it has seen, and what is missing.</summary>
internal sealed class ReadinessWait(IBackend backend, InstanceId id, ReadinessOptions options)
{
    private const int MaxEchoedChars = 200;

    private readonly HashSet<ReadinessCondition> _shown = [];
    private readonly long _started = options.TimeProvider.GetTimestamp();
    private readonly IReadOnlyList<ICompute> _roles = backend.GetComputeRoles() is { Count: > 0 } roles ? roles
        : throw new HypervisorException($"Backend '{backend.Name}' ({backend.Info.Kind}) has no instances.", ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = backend.Name };

    private List<string> _missing = ["it was not seen yet"];
    private Instance? _instance;

    /// <summary>The instance when it is ready, null when it is not.</summary>
    public async Task<Instance?> LookAsync(CancellationToken cancellationToken)
    {
        var missing = new List<string>();
        try
        {
            _instance = await FindAsync(cancellationToken).ConfigureAwait(false);
            foreach (var condition in options.Conditions)
            {
                if (await WhatIsMissingAsync(condition, _instance, cancellationToken).ConfigureAwait(false) is { } what)
                    missing.Add(what);
            }
        }
        catch (HypervisorException exception) when (exception.Code == ErrorCode.Unavailable || exception.Code == ErrorCode.Timeout || exception.Code == ErrorCode.Locked)
        {
            missing.Add($"the backend did not answer: {exception.Message}");
        }

        _missing = missing;
        options.Progress?.Report(new() { Elapsed = options.TimeProvider.GetElapsedTime(_started), Instance = _instance, Missing = missing });
        return missing.Count == 0 ? _instance : null;
    }

    public HypervisorException TimedOut() =>
        new($"Instance '{_instance?.Name ?? id.ToString()}' was not ready within {options.Deadline}: {string.Join("; ", _missing)}.", ErrorCode.Timeout, RequestOutcome.Rejected)
        {
            Backend = backend.Name, Resource = $"instance {id}",
        };

    private async Task<Instance> FindAsync(CancellationToken cancellationToken)
    {
        foreach (var role in _roles)
        {
            if (await role.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } instance)
                return instance;
        }

        throw new HypervisorException($"There is no instance '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = backend.Name, Resource = $"instance {id}" };
    }

    private async ValueTask<string?> WhatIsMissingAsync(ReadinessCondition condition, Instance instance, CancellationToken cancellationToken)
    {
        switch (condition)
        {
            case ReadinessCondition.InState state:
                return instance.State == state.Wanted ? null : $"the state is '{instance.State}'{(instance.StateReason is { } reason ? $" ({reason})" : "")}, not '{state.Wanted}'";
            case ReadinessCondition.HasAddress:
                return await FindAddressAsync(instance, cancellationToken).ConfigureAwait(false);
            case ReadinessCondition.ConsoleShows shows:
                return _shown.Contains(shows) ? null : await FindTextAsync(shows, cancellationToken).ConfigureAwait(false);
            case ReadinessCondition.Custom custom:
                return await AskAsync(custom, instance, cancellationToken).ConfigureAwait(false);
            default:
                throw new ArgumentException($"{condition} is no condition.");
        }
    }

    private async Task<string?> FindAddressAsync(Instance instance, CancellationToken cancellationToken)
    {
        if (instance.Networks.SelectMany(network => network.Addresses).Any(IsUsable))
            return null;
        if (!backend.TryGet<IGuestAgent>(out var agent))
            return "it has no address";
        try
        {
            var guest = await agent.GetInfoAsync(id, cancellationToken).ConfigureAwait(false);
            return guest.Networks.SelectMany(network => network.Addresses).Any(IsUsable) ? null : "it has no address, and the agent in the guest knows none";
        }
        catch (HypervisorException exception)
        {
            return $"it has no address, and the agent in the guest does not tell: {exception.Message}";
        }
    }

    private async Task<string?> FindTextAsync(ReadinessCondition.ConsoleShows shows, CancellationToken cancellationToken)
    {
        var console = backend.Get<ISerialConsole>();
        byte[] log;
        try
        {
            var stream = await console.OpenLogAsync(id, options.ConsoleTail.Bytes, cancellationToken).ConfigureAwait(false);
            await using var owned = stream.ConfigureAwait(false);
            log = await ReadAsync(stream, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException exception) when (exception.Code == ErrorCode.InvalidState || exception.Code == ErrorCode.NotFound)
        {
            return $"the console has not shown '{shows.Text}': {exception.Message}";
        }

        if (log.AsSpan().IndexOf(Encoding.UTF8.GetBytes(shows.Text)) < 0)
            return $"the console has not shown '{shows.Text}'; its last line is '{LastLine(log)}'";
        _shown.Add(shows);
        return null;
    }

    private async Task<byte[]> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[options.ConsoleTail.Bytes];
        int length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return buffer[..length];
    }

    private async ValueTask<string?> AskAsync(ReadinessCondition.Custom custom, Instance instance, CancellationToken cancellationToken)
    {
        try
        {
            return await custom.IsMetAsync(backend, instance, cancellationToken).ConfigureAwait(false) ? null : $"not yet: {custom.Name}";
        }
        catch (HypervisorException exception)
        {
            return $"not yet: {custom.Name} ({exception.Message})";
        }
    }

    private static bool IsUsable(Cidr address) => !address.IsDefault && !IPAddress.IsLoopback(address.Address) && !address.Address.IsIPv6LinkLocal && address.Address.GetAddressBytes() is not [169, 254, ..];

    private static string LastLine(byte[] log)
    {
        string text = Encoding.UTF8.GetString(log.AsSpan(Math.Max(0, log.Length - 4 * MaxEchoedChars)));
        string last = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";
        return string.Concat(last.Where(c => !char.IsControl(c)).TakeLast(MaxEchoedChars));
    }
}
