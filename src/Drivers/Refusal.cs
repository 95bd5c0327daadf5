namespace Hypervisor.Sdk.Drivers;

/// <summary>Refusals as the contract asks for them: the code, the outcome, what it is about, which field is to blame.</summary>
public static class Refusal
{
    /// <summary>There is no such instance.</summary>
    public static HypervisorException NotFound(InstanceId id) => Rejected(id, $"There is no instance '{id}'.", ErrorCode.NotFound);

    /// <summary>Not possible in the state that it is in.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="message">What is not possible, in which state, what to do.</param>
    public static HypervisorException InvalidState(InstanceId id, string message) => Rejected(id, message, ErrorCode.InvalidState);

    /// <summary>It is not what the caller thought.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="message">What is different.</param>
    public static HypervisorException Conflict(InstanceId id, string message) => Rejected(id, message, ErrorCode.Conflict);

    /// <summary>The name is taken.</summary>
    public static HypervisorException NameTaken(string name) => new($"There is an instance of the name '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"instance {name}" };

    /// <summary>A field is not acceptable: refused before anything is sent.</summary>
    /// <param name="field">The field of the request: <c>name</c>, <c>sizing.cpus</c>.</param>
    /// <param name="problem">What is wrong with it, which value, what would be right.</param>
    public static HypervisorException Invalid(string field, string problem) => Field(field, problem, ErrorCode.InvalidArgument);

    /// <summary>A field asks for what this backend cannot do: refused before anything is sent.</summary>
    /// <param name="field">The field of the request.</param>
    /// <param name="problem">Why it cannot be done.</param>
    public static HypervisorException Unsupported(string field, string problem) => Field(field, problem, ErrorCode.Unsupported);

    /// <summary>Refuses a request that expects another revision or incarnation than there is.</summary>
    /// <exception cref="HypervisorException">It does (<see cref="ErrorCode.Conflict"/>).</exception>
    public static void Unexpected(InstanceId id, Revision revision, Incarnation incarnation, RequestOptions? request)
    {
        if (request?.IfRevision is { } expected && expected != revision)
            throw Conflict(id, $"'{id}' was not changed: its configuration is at revision {revision}, not {expected}.");
        if (request?.IfIncarnation is { } meant && meant != incarnation)
            throw Conflict(id, $"'{id}' was not changed: it is the incarnation {incarnation}, not {meant}.");
    }

    /// <summary>Refuses a name that the naming rules do not accept, and labels that are ours.</summary>
    /// <param name="naming">The backend's rules.</param>
    /// <param name="name">The name.</param>
    /// <param name="labels">The keys of labels.</param>
    /// <exception cref="ArgumentException">There is no name.</exception>
    /// <exception cref="HypervisorException">One is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static void BadNames(NamingRules naming, InstanceName name, IEnumerable<string> labels)
    {
        ArgumentNullException.ThrowIfNull(naming);
        ArgumentNullException.ThrowIfNull(labels);
        if (name.IsDefault)
            throw new ArgumentException("A name is needed.", nameof(name));
        if (!naming.Accepts(name.ToString(), out string? problem))
            throw Invalid("name", problem);
        if (labels.FirstOrDefault(label => label.StartsWith("hvsdk.", StringComparison.Ordinal)) is { } ours)
            throw Invalid("labels", $"'{ours}': keys that begin with 'hvsdk.' are the library's own.");
    }

    private static HypervisorException Rejected(InstanceId id, string message, ErrorCode code) => new(message, code, RequestOutcome.Rejected) { Resource = $"instance {id}" };

    private static HypervisorException Field(string field, string problem, ErrorCode code) =>
        new($"The request is not acceptable: {field}: {problem}", code, RequestOutcome.NotSent) { FieldErrors = new Dictionary<string, string> { [field] = problem } };
}
