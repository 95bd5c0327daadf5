namespace Hypervisor.Sdk;

/// <summary>Makes up names for instances.</summary>
public static class InstanceNameExtensions
{
    private const int MaxDraws = 1000;
    private const int MaxNumber = 999_999_999;

    /// <summary>Makes up a name that the backend accepts and that no instance of it has now. Nothing is reserved: who creates first has it, the other is told <see cref="ErrorCode.AlreadyExists"/> and asks again.</summary>
    /// <param name="backend">The backend that the instance will be on.</param>
    /// <param name="pattern">How the name is made up. Default <see cref="InstanceNamePattern.Default"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="HypervisorException">
    /// The backend does not accept names of this pattern (<see cref="ErrorCode.InvalidArgument"/>), every name of it is taken (<see cref="ErrorCode.Exhausted"/>), or the backend has no instances (<see cref="ErrorCode.Unsupported"/>)
    /// or cannot be asked now.
    /// </exception>
    public static async Task<InstanceName> NextInstanceNameAsync(this IBackend backend, InstanceNamePattern? pattern = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backend);
        pattern ??= InstanceNamePattern.Default;
        var roles = backend.GetComputeRoles();
        if (roles.Count == 0)
            throw new HypervisorException($"Backend '{backend.Name}' ({backend.Info.Kind}) has no instances to name.", ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = backend.Name };

        var taken = new HashSet<string>(backend.Info.Naming.CaseSensitive ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
        foreach (var compute in roles)
        {
            await foreach (var instance in compute.List().WithCancellation(cancellationToken).ConfigureAwait(false))
                taken.Add(instance.Name);
        }

        // Among that many numbers one is free; what is drawn may be taken again and again.
        int most = pattern.IsFixed ? 1 : pattern.HasNumber ? Math.Min(taken.Count, MaxNumber - 1) + 1 : MaxDraws;
        for (int attempt = 1; attempt <= most; attempt++)
        {
            string name = pattern.Next(attempt);
            if (taken.Contains(name))
                continue;
            if (!backend.Info.Naming.Accepts(name, out string? problem))
                throw Refused(backend, pattern, problem);
            return InstanceName.TryParse(name, null, out var next) ? next : throw Refused(backend, pattern, $"'{name}' is no name of an instance.");
        }

        throw new HypervisorException($"Every name of the pattern '{pattern}' that was tried is taken ({most}). Put {{number}} or {{random}} into it.", ErrorCode.Exhausted, RequestOutcome.NotSent) { Backend = backend.Name };
    }

    private static HypervisorException Refused(IBackend backend, InstanceNamePattern pattern, string problem) =>
        new($"Backend '{backend.Name}' does not accept names of the pattern '{pattern}'. {problem}", ErrorCode.InvalidArgument, RequestOutcome.NotSent)
        {
            Backend = backend.Name,
            FieldErrors = new Dictionary<string, string> { ["pattern"] = problem },
        };
}
