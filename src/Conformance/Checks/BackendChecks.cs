namespace Hypervisor.Sdk.Conformance;

/// <summary>CONN: what every backend is. DISP: how a client ends.</summary>
internal static class BackendChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "CONN-01", Sentence = "A connected backend has the name it was given, says its kind and version, and its endpoint holds no credentials: no user, and no parameter that is named like a secret.", Body = SaysWhatItIs },
        new() { Id = "CONN-02", Sentence = "A health check of a backend that answers says so, and how long it took.", Body = IsHealthy },
        new() { Id = "CONN-03", Sentence = "What one client makes, another client of the same backend finds.", Needs = [CheckNeed.Compute], Body = OthersFind },
        new() { Id = "CONN-04", Sentence = "A role that the backend does not play is neither handed out nor pretended.", Body = HasNoUnheardOfRole },
        new() { Id = "DISP-01", Sentence = "Disposing a client twice is the same as once; it is closed then and says so, and a health check, a search, a list, a watch and every call that creates or changes fail instead of waiting, and change nothing.", Body = DisposesOnce },
        new() { Id = "DISP-02", Sentence = "A running instance outlives the client that started it.", Needs = [CheckNeed.Compute], Body = InstancesOutliveClients },
        new() { Id = "DISP-03", Sentence = "Disposing a client ends its subscriptions.", Needs = [CheckNeed.Compute], Body = SubscriptionsEnd },
    ];

    /// <summary>What the names of parameters contain that hold secrets. The values are not said.</summary>
    private static readonly string[] s_secrets = ["pass", "pwd", "secret", "token", "ticket", "credential", "apikey", "api_key", "api-key"];

    private static async Task SaysWhatItIs(CheckContext c)
    {
        var name = BackendName.Parse("named-by-the-kit");
        var client = await c.Target.ConnectAsync(name, c.Token).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            c.RequireEqual(name, client.Name, "The name of a backend that was connected as 'named-by-the-kit'");
            c.Require(!string.IsNullOrWhiteSpace(client.Info.Kind), "The kind of the backend is empty.");
            c.Require(!string.IsNullOrWhiteSpace(client.Info.ServerVersion), "The version of the server is empty.");
            c.RequireEqual("", client.Info.Endpoint.UserInfo, "The part of the endpoint that holds credentials");
            string query = Uri.UnescapeDataString(client.Info.Endpoint.Query);
            c.Require(!s_secrets.Any(secret => query.Contains(secret, StringComparison.OrdinalIgnoreCase)), "The query of the endpoint has a parameter that is named like a secret.");
            c.Require(client.ConnectionState is BackendConnectionState.Connected or BackendConnectionState.Idle, $"A backend that was connected says that it is {client.ConnectionState}.");
        }
    }

    private static async Task IsHealthy(CheckContext c)
    {
        var health = await c.Backend.CheckHealthAsync(c.Token).ConfigureAwait(false);
        c.Require(health.IsHealthy, $"The health check says that the backend is not well: {health.Problem}");
        c.Require(health.RoundTrip is { } took && took >= TimeSpan.Zero, $"The health check does not say how long the answer took, or a time that cannot be ({health.RoundTrip}).");
        c.Require(health.Problem is null, $"The health check says that the backend is well, and that something is wrong: {health.Problem}");
    }

    private static async Task OthersFind(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var other = await c.ConnectAsync().ConfigureAwait(false);
        var found = await c.ComputeOf(other).FindAsync(made.Id, c.Token).ConfigureAwait(false);
        c.Require(found is not null, $"Another client does not find the instance '{made.Name}' ({made.Id}).");
        c.RequireEqual(made.Incarnation, found.Incarnation, "The incarnation that another client sees");
    }

    private static Task HasNoUnheardOfRole(CheckContext c)
    {
        bool has = c.Backend.TryGet<IUnheardOf>(out var service);
        c.Require(!has && service is null, "The backend hands out a role that nothing can play: TryGet must be false and null for an interface that the driver does not know.");
        return Task.CompletedTask;
    }

    private static async Task DisposesOnce(CheckContext c)
    {
        var client = await c.Target.ConnectAsync(c.Backend.Name, c.Token).ConfigureAwait(false);
        List<ChangingCall> changes = [];
        Instance? made = null;
        ICompute? compute = null;
        if (c.HasCompute)
        {
            made = await c.CreateAsync().ConfigureAwait(false);
            compute = c.ComputeOf(client);
            changes.AddRange(ChangingCalls.All(c, client));
        }

        var storage = c.HasStorage ? client.Get<IStorageBackend>() : null;
        await client.DisposeAsync().ConfigureAwait(false);
        await client.DisposeAsync().ConfigureAwait(false);
        c.RequireEqual(BackendConnectionState.Closed, client.ConnectionState, "The state of a client that was disposed");
        var health = await client.CheckHealthAsync(c.Token).ContinueWith(static health => health.Status == TaskStatus.RanToCompletion && health.Result.IsHealthy, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)
            .ConfigureAwait(false);
        c.Require(!health, "A client that was disposed says that it is healthy.");
        if (storage is not null)
            await ClosedAsync(c, "A creation of a volume", () => storage.CreateAsync(c.Target.NewVolume(c.NewText())!, null, c.Token)).ConfigureAwait(false);
        if (compute is null || made is null)
            return;
        await ClosedAsync(c, "A creation", () => compute is IHypervisor hypervisor ? hypervisor.CreateAsync((VirtualMachineSpec)c.NewSpec(), null, c.Token) : ((IContainerRuntime)compute).CreateAsync((ContainerSpec)c.NewSpec(), null, c.Token)).ConfigureAwait(false);
        await ClosedAsync(c, "A search", () => compute.FindAsync(made.Id, c.Token)).ConfigureAwait(false);
        await ClosedAsync(c, "A list", () => compute.List().GetPageAsync(null, 1, c.Token)).ConfigureAwait(false);
        await ClosedAsync(c, "A watch", () => compute.WatchAsync(null, c.Token)).ConfigureAwait(false);
        foreach (var change in changes)
            await ClosedAsync(c, change.Name, () => change.CallAsync(made.Id, null, c.Token)).ConfigureAwait(false);
        var after = await c.GetAsync(made.Id).ConfigureAwait(false);
        c.RequireEqual(made.Revision, after.Revision, "The revision of an instance after the calls of a client that was disposed");
        c.RequireEqual(made.State, after.State, "The state of an instance after the calls of a client that was disposed");
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after the calls of a client that was disposed");
    }

    private static async Task ClosedAsync(CheckContext c, string what, Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
        {
            return;
        }

        c.Require(false, $"{what} by a client that was disposed succeeds.");
    }

    private static async Task InstancesOutliveClients(CheckContext c)
    {
        var client = await c.Target.ConnectAsync(c.Backend.Name, c.Token).ConfigureAwait(false);
        InstanceId id;
        await using (client.ConfigureAwait(false))
        {
            id = (await c.BeginCreateAsync(c.NewSpec(), null, client).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).Id;
            await c.ComputeOf(client).StartAsync(id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        }

        await c.RequireStateAsync(id, PowerState.Running, "of an instance whose client was disposed").ConfigureAwait(false);
    }

    private static async Task SubscriptionsEnd(CheckContext c)
    {
        var client = await c.Target.ConnectAsync(c.Backend.Name, c.Token).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            var subscription = await c.ComputeOf(client).WatchAsync(null, c.Token).ConfigureAwait(false);
            await client.DisposeAsync().ConfigureAwait(false);
            var events = subscription.GetAsyncEnumerator(c.Token);
            await using (events.ConfigureAwait(false))
            {
                while (await events.MoveNextAsync().ConfigureAwait(false))
                {
                    // What was queued may still be read.
                }
            }
        }
    }

    private interface IUnheardOf;
}
