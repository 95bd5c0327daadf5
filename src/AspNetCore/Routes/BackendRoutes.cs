using System.Text.Json;
using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The backends themselves, and what they consist of.</summary>
internal static class BackendRoutes
{
    private static readonly ApiParameter s_backend = new("backend", "Only this backend.");

    private static readonly ApiSchema s_registration = Object(("name", Text, true), ("kind", Text, true), ("state", Text, true), ("roles", ArrayOf(Text), false), ("serverVersion", Text, false), ("endpoint", Text, false), ("problem", Problem, false));

    public static void Map(ApiRouter routes)
    {
        routes.Get("/backends", "listBackends", "Lists the backends, connected or not.", ListOf(s_registration), ListAsync);
        routes.Post("/backends", "addBackend", "Adds a backend. It is connected on first use.", Of<BackendDefinition>(), s_registration, AddAsync, status: StatusCodes.Status201Created);
        routes.Get("/backends/{backend}", "getBackend", "Gets one backend, connected or not.", s_registration, call => WriteAsync(call, Find(call, call.Backend)));
        routes.Empty("DELETE", "/backends/{backend}", "removeBackend", "Removes a backend. What it manages stays as it is.", RemoveAsync);
        routes.Get("/backends/{backend}/health", "getBackendHealth", "Asks the backend something that it must answer.", Of<BackendHealth>(), async call => await call.WriteAsync(await (await call.GetBackendAsync().ConfigureAwait(false)).CheckHealthAsync(call.Aborted).ConfigureAwait(false)).ConfigureAwait(false));
        routes.Get("/backends/{backend}/capabilities/{capability}", "queryCapability", "Asks whether something can be done, for a target or in general.", Object(("support", Text, true), ("reason", Text, false)), CapabilityAsync,
            new ApiParameter("instance", "For this instance."), new ApiParameter("node", "For this node."), new ApiParameter("pool", "For this pool."), new ApiParameter("scope", "For this project or folder."));
        routes.Get("/backends/{backend}/instance-name", "suggestInstanceName", "Makes up a name that no instance of the backend has now. Nothing is reserved.", Object(("name", Text, true)), SuggestNameAsync,
            new ApiParameter("pattern", "How it is made up: text with {adjective}, {noun}, {number}, {number:DIGITS}, {random}, {random:LENGTH}. Default {adjective}-{noun}."));
        routes.Get("/nodes", "listNodes", "Lists the machines that instances run on.", PageOf(Located<Node>()), call => BackendList.WriteAsync<INodes, Node>(call, (service, token) => service.ListAsync(token)), s_backend);
        routes.Get("/nodes/metrics", "getNodeMetrics", "What the nodes are using.", PageOf(Located<NodeMetrics>()), call => BackendList.WriteAsync<IMetrics, NodeMetrics>(call, (service, token) => service.SampleNodesAsync(token)), s_backend);
        routes.Get("/networks", "listNetworks", "Lists the networks that instances can be attached to.", PageOf(Located<Network>()), call => BackendList.WriteAsync<INetworks, Network>(call, (service, token) => service.ListAsync(token)), s_backend);
        routes.Get("/images", "listImages", "Lists what instances can be made from.", PageOf(Located<Image>()), call => BackendList.WriteAsync<IImages, Image>(call, (service, token) => service.ListAsync(token)), s_backend);
    }

    private static async Task SuggestNameAsync(ApiCall call)
    {
        InstanceNamePattern? pattern = null;
        if (call.QueryText("pattern") is { } text && !InstanceNamePattern.TryParse(text, out pattern))
            throw RequestRefusedException.Field("pattern", $"The query parameter 'pattern' is '{Echo.Short(text)}' and not text of 1 to 255 characters with the places {{adjective}}, {{noun}}, {{number}}, {{number:DIGITS}}, {{random}} and {{random:LENGTH}}.");
        var backend = await call.GetBackendAsync().ConfigureAwait(false);
        var name = await backend.NextInstanceNameAsync(pattern, call.Aborted).ConfigureAwait(false);
        await call.WriteAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("name", name.ToString());
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static async Task ListAsync(ApiCall call)
    {
        var backends = call.Services.Registry.List();
        var roles = await Task.WhenAll(backends.Select(backend => RolesAsync(call, backend))).ConfigureAwait(false);
        await call.WriteAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("items");
            foreach (var (backend, its) in backends.Zip(roles))
                Write(writer, backend, its);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static async Task WriteAsync(ApiCall call, BackendRegistration backend, int status = StatusCodes.Status200OK)
    {
        var roles = await RolesAsync(call, backend).ConfigureAwait(false);
        await call.WriteAsync(writer => Write(writer, backend, roles), status).ConfigureAwait(false);
    }

    /// <returns>What it runs or keeps; null while it is not connected, because only the connected backend can say.</returns>
    private static async Task<IReadOnlyList<string>?> RolesAsync(ApiCall call, BackendRegistration registration)
    {
        if (registration.ConnectionState != BackendConnectionState.Connected)
            return null;
        try
        {
            var backend = await call.Services.Registry.GetAsync(registration.Name, call.Aborted).ConfigureAwait(false);
            var roles = new List<string>(3);
            if (backend.TryGet<IHypervisor>(out _))
                roles.Add("virtualMachines");
            if (backend.TryGet<IContainerRuntime>(out _))
                roles.Add("containers");
            if (backend.TryGet<IStorageBackend>(out _))
                roles.Add("storage");
            return roles;
        }
        catch (HypervisorException)
        {
            // It was removed or lost in this moment: the state in the answer is the one before.
            return null;
        }
    }

    private static async Task AddAsync(ApiCall call)
    {
        var definition = await call.ReadAsync<BackendDefinition>().ConfigureAwait(false);
        await call.Services.Registry.AddAsync(definition, call.Aborted).ConfigureAwait(false);
        call.Http.Response.Headers.Location = $"{ApiServices.PathOf(call.Http)}/backends/{definition.Name}";
        await WriteAsync(call, Find(call, definition.Name), StatusCodes.Status201Created).ConfigureAwait(false);
    }

    private static async Task RemoveAsync(ApiCall call)
    {
        if (!await call.Services.Registry.RemoveAsync(call.Backend, call.Aborted).ConfigureAwait(false))
            throw NotFound(call.Backend);
        call.Http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task CapabilityAsync(ApiCall call)
    {
        var target = new CapabilityTarget { Instance = call.Query<InstanceId>("instance"), Node = call.Query<NodeName>("node"), Pool = call.Query<PoolName>("pool"), Scope = call.Query<ScopeName>("scope") };
        var backend = await call.GetBackendAsync().ConfigureAwait(false);
        var answer = await backend.QueryAsync(call.Route<Capability>("capability"), target, call.Aborted).ConfigureAwait(false);
        await call.WriteAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("support", JsonNamingPolicy.CamelCase.ConvertName(answer.Support.ToString()));
            if (answer.Reason is { } reason)
                writer.WriteString("reason", reason);
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static BackendRegistration Find(ApiCall call, BackendName name) => call.Services.Registry.List().FirstOrDefault(backend => backend.Name == name) ?? throw NotFound(name);

    private static HypervisorException NotFound(BackendName name) => new($"There is no backend '{name}'.", ErrorCode.NotFound, RequestOutcome.NotSent) { Backend = name, Resource = $"backend {name}" };

    private static void Write(Utf8JsonWriter writer, BackendRegistration backend, IReadOnlyList<string>? roles)
    {
        writer.WriteStartObject();
        writer.WriteString("name", backend.Name.ToString());
        writer.WriteString("kind", backend.Kind);
        writer.WriteString("state", JsonNamingPolicy.CamelCase.ConvertName(backend.ConnectionState.ToString()));
        if (roles is not null)
        {
            writer.WriteStartArray("roles");
            foreach (string role in roles)
                writer.WriteStringValue(role);
            writer.WriteEndArray();
        }

        if (backend.Info is { } info)
        {
            writer.WriteString("serverVersion", info.ServerVersion);
            writer.WriteString("endpoint", WithoutUser(info.Endpoint));
        }

        if (backend.Problem is { } problem)
        {
            writer.WritePropertyName("problem");
            ProblemDocument.Write(writer, problem);
        }

        writer.WriteEndObject();
    }

    /// <summary>An address may carry a name and password before the host: not for showing.</summary>
    private static string WithoutUser(Uri endpoint) =>
        endpoint.IsAbsoluteUri && endpoint.UserInfo.Length > 0 ? new UriBuilder(endpoint) { UserName = "", Password = "" }.Uri.ToString() : endpoint.ToString();
}
