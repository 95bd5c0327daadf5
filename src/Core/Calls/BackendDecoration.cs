namespace Hypervisor.Sdk;

/// <summary>Puts tracing, metrics, a limit of concurrent calls and a deadline in front of a backend. A registry does so by itself.</summary>
public static class BackendDecoration
{
    /// <summary>
    /// Decorates a backend: the services that it gives are traced, measured (see <see cref="HypervisorSdkTelemetry"/>) and limited. Services of the driver's own are given as they are. While nobody listens and
    /// nothing is limited, a call costs nothing more than it did.
    /// </summary>
    /// <param name="backend">The backend; disposed with what is returned.</param>
    /// <param name="limits">The limits; none when null.</param>
    /// <param name="timeProvider">The clock of the deadlines; the system's when null.</param>
    /// <exception cref="ArgumentException">A limit is out of its range.</exception>
    public static IBackend Decorate(this IBackend backend, BackendLimits? limits = null, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return new DecoratedBackend(backend, new(backend.Name, backend.Info.Kind, (limits ?? new()).Copy(), timeProvider ?? TimeProvider.System));
    }
}
