namespace Hypervisor.Sdk.Lxd;

/// <summary>
/// Says what became of requests by what they left at instances: a key <c>user.hvsdk.request.ID</c> of the configuration, which a create carries (<see cref="KeyOf"/>) and with which the instance comes and goes. An operation of the
/// server's is forgotten some seconds after its end; this is not. What deleted an instance, or was about none, leaves nothing and counts as never seen.
/// </summary>
/// <param name="client">The server.</param>
public sealed class LxdRequestLog(LxdClient client) : IRequestLog
{
    /// <summary>What the value of the key is in a create.</summary>
    public const string Create = "create:done";

    internal const string Prefix = "user.hvsdk.request.";

    /// <summary>The key of a request: put it into <see cref="LxdInstancesPost.Config"/>, with the value <see cref="Create"/>.</summary>
    /// <exception cref="ArgumentException">It is a default id.</exception>
    public static string KeyOf(RequestId id) => id.IsDefault ? throw new ArgumentException("A request id is needed.", nameof(id)) : Prefix + id;

    /// <inheritdoc />
    public async Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
    {
        string key = KeyOf(id);
        cancellationToken.ThrowIfCancellationRequested();
        var found = await FindAsync(key, cancellationToken).ConfigureAwait(false);
        if (found is null)
        {
            // Of a create that the server has only just begun nothing is to be seen.
            foreach (var creating in (await RunningAsync(cancellationToken).ConfigureAwait(false)).Where(operation => operation.Description?.StartsWith("Creating", StringComparison.Ordinal) is true))
                await EndedAsync(creating.Id!, cancellationToken).ConfigureAwait(false);
            found = await FindAsync(key, cancellationToken).ConfigureAwait(false);
        }

        if (found is not { Name: { } name })
            return new RequestLookup { State = RequestState.NeverSeen };
        bool isRunning = (await RunningAsync(cancellationToken).ConfigureAwait(false)).Any(operation => IsAbout(operation, name));
        return new RequestLookup { State = isRunning ? RequestState.Running : RequestState.Succeeded, Instance = InstanceId.Parse(name) };
    }

    /// <summary>Whether an operation is about an instance, by its resources: <c>{"instances": ["/1.0/instances/web1?project=…"]}</c>.</summary>
    internal static bool IsAbout(LxdOperation operation, string name) =>
        operation.Resources?.Any(resource => resource.Key is "instances" or "containers" && resource.Value.Any(path => NameOf(path) == name)) is true;

    /// <summary>The name of the instance that a path is about: <c>/1.0/instances/NAME/…?project=…</c>; null for another path.</summary>
    internal static string? NameOf(string? path)
    {
        string[] parts = path?.Split('?')[0].Split('/') ?? [];
        return parts is ["", "1.0", "instances" or "containers" or "virtual-machines", { Length: > 0 } name, ..] ? Uri.UnescapeDataString(name) : null;
    }

    private async Task<LxdInstance?> FindAsync(string key, CancellationToken cancellationToken) =>
        (await client.InstancesGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value.FirstOrDefault(instance => instance.Config is { } config && config.TryGetValue(key, out string? value) && value.Length > 0);

    private async Task<IEnumerable<LxdOperation>> RunningAsync(CancellationToken cancellationToken) =>
        (await client.OperationsGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value.SelectMany(state => state.Value ?? []).Where(operation => operation.StatusCode is >= 100 and < 200);

    private async Task EndedAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            while ((await client.OperationWaitGetAsync(id, new LxdCall { Timeout = -1 }, cancellationToken).ConfigureAwait(false)).Value.StatusCode is >= 100 and < 200)
                continue;
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            // Ended, and dropped already.
        }
    }
}
