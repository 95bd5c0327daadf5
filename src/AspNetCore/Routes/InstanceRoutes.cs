using System.Globalization;
using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Virtual machines and containers.</summary>
internal static class InstanceRoutes
{
    private const string One = "/instances/{backend}/{id}";

    private static readonly TimeSpan s_longestGrace = TimeSpan.FromDays(1);

    private static readonly ApiParameter[] s_listQuery =
    [
        new("backend", "Only this backend."),
        new("state", "Only instances in this power state."),
        new("name", "Only instances of exactly this name."),
        new("node", "Only instances on this node."),
        new("scope", "Only instances in this project or folder."),
        new("template", "Only templates, or only what is none.", "boolean"),
        new("label.*", "label.KEY=VALUE: only instances with this label. May be repeated with other keys."),
        new("limit", "The most instances on a page, 1 to 1000. Default 100.", "integer"),
        new("continuation", "Where the page before ended, as it said."),
    ];

    public static void Map(ApiRouter routes)
    {
        routes.Get("/instances", "listInstances", "Lists the instances of all backends, page by page.", PageOf(Located<Instance>()), ListAsync, s_listQuery);
        routes.Get(One, "getInstance", "Gets one instance. The ETag is its revision, for If-Match.", Located<Instance>(), GetAsync);
        routes.Work("POST", "/instances/{backend}", "createInstance", "Creates an instance, which is left stopped.", Of<InstanceSpec>(), CreateAsync);
        routes.Work("DELETE", One, "deleteInstance", "Deletes an instance with the disks that go with it.", null, DeleteAsync, new ApiParameter("stopFirst", "Switch it off first where it runs. Default false.", "boolean"));
        routes.Work("POST", One + "/start", "startInstance", "Boots an instance, or goes on with a suspended one.", null, call => Compute(call, (compute, request) => compute.StartAsync(call.Instance, request, call.Aborted)));
        routes.Work("POST", One + "/stop", "stopInstance", "Asks the guest to shut down, and switches it off when it does not in time.", Of<StopOptions>(), StopAsync, optionalBody: true);
        routes.Work("POST", One + "/restart", "restartInstance", "Stops, then starts.", Of<StopOptions>(), RestartAsync, optionalBody: true);
        routes.Work("POST", One + "/reset", "resetInstance", "Presses the reset button.", null, call => Feature<IReset, Instance>(call, (service, request) => service.ResetAsync(call.Instance, request, call.Aborted)));
        routes.Work("POST", One + "/pause", "pauseInstance", "Holds the processors.", null, call => Feature<IPausing, Instance>(call, (service, request) => service.PauseAsync(call.Instance, request, call.Aborted)));
        routes.Work("POST", One + "/resume", "resumeInstance", "Lets the processors go on.", null, call => Feature<IPausing, Instance>(call, (service, request) => service.ResumeAsync(call.Instance, request, call.Aborted)));
        routes.Post(One + "/plan", "planChange", "Says what a change would do, without doing it.", Of<InstanceChange>(), Of<ChangePlan>(), PlanAsync);
        routes.Work("POST", One + "/apply", "applyChange", "Carries out a plan, with the effects that are accepted.", Object(("plan", Of<ChangePlan>(), true), ("accept", Of<ChangeEffects>(), false)), ApplyAsync);
        routes.Work("POST", One + "/clone", "cloneInstance", "Makes another instance like this one.", Of<CloneSpec>(), CloneAsync);
        routes.Work("POST", One + "/template", "convertToTemplate", "Makes it a template.", null, call => Feature<ITemplates, Instance>(call, (service, request) => service.ConvertToTemplateAsync(call.Instance, request, call.Aborted)));
        routes.Work("DELETE", One + "/template", "convertToInstance", "Makes a template an instance again.", null, call => Feature<ITemplates, Instance>(call, (service, request) => service.ConvertToInstanceAsync(call.Instance, request, call.Aborted)));
    }

    internal static Task Feature<TService, T>(ApiCall call, Func<TService, RequestOptions, Task<Operation<T>>> begin)
        where TService : class => call.AnswerAsync(async request => await begin(await call.GetServiceAsync<TService>().ConfigureAwait(false), request).ConfigureAwait(false));

    private static Task Compute(ApiCall call, Func<ICompute, RequestOptions, Task<Operation<Instance>>> begin) =>
        call.AnswerAsync(async request => await begin(await call.GetComputeAsync().ConfigureAwait(false), request).ConfigureAwait(false));

    private static async Task ListAsync(ApiCall call)
    {
        var only = call.Query<BackendName>("backend");
        if (only is { } name)
            await call.Services.Registry.GetAsync(name, call.Aborted).ConfigureAwait(false);
        var labels = call.Http.Request.Query.Keys.Where(key => key.StartsWith("label.", StringComparison.Ordinal)).ToDictionary(key => key["label.".Length..], key => call.QueryText(key) ?? "");
        var filter = new InstanceFilter
        {
            State = call.Query<PowerState>("state"),
            Name = call.QueryText("name"),
            Node = call.Query<NodeName>("node"),
            Scope = call.Query<ScopeName>("scope"),
            IsTemplate = call.QueryFlag("template"),
            Labels = labels.Count == 0 ? null : labels,
        };
        var page = await new InstanceList(call.Services, only, filter).ReadAsync(call.QueryText("continuation"), call.QueryCount("limit", 1, 1000, 100), call.Aborted).ConfigureAwait(false);
        await call.WriteAsync(writer => page.Write(call.Services.Json, writer)).ConfigureAwait(false);
    }

    private static async Task GetAsync(ApiCall call)
    {
        var compute = await call.GetComputeAsync().ConfigureAwait(false);
        var instance = await compute.GetAsync(call.Instance, call.Aborted).ConfigureAwait(false);
        call.Http.Response.Headers.ETag = EntityTag.Write(instance.Revision);
        await call.WriteLocatedAsync(instance).ConfigureAwait(false);
    }

    private static async Task CreateAsync(ApiCall call)
    {
        var spec = await call.ReadAsync<InstanceSpec>().ConfigureAwait(false);
        await call.AnswerAsync(async request => spec switch
        {
            VirtualMachineSpec machine => await (await call.GetServiceAsync<IHypervisor>().ConfigureAwait(false)).CreateAsync(machine, request, call.Aborted).ConfigureAwait(false),
            ContainerSpec container => await (await call.GetServiceAsync<IContainerRuntime>().ConfigureAwait(false)).CreateAsync(container, request, call.Aborted).ConfigureAwait(false),
            _ => throw RequestRefusedException.Field("kind", "The field 'kind' is neither virtualMachine nor container."),
        }).ConfigureAwait(false);
    }

    private static Task DeleteAsync(ApiCall call)
    {
        var options = new DeleteOptions { StopFirst = call.QueryFlag("stopFirst") ?? false };
        return call.AnswerAsync(async request => await (await call.GetComputeAsync().ConfigureAwait(false)).DeleteAsync(call.Instance, options, request, call.Aborted).ConfigureAwait(false));
    }

    private static async Task<StopOptions?> ReadStopAsync(ApiCall call)
    {
        var options = await call.ReadOptionalAsync<StopOptions>().ConfigureAwait(false);
        return options is null || (options.GracePeriod >= TimeSpan.Zero && options.GracePeriod <= s_longestGrace)
            ? options
            : throw RequestRefusedException.Field("gracePeriod", string.Create(CultureInfo.InvariantCulture, $"The field 'gracePeriod' is {options.GracePeriod.TotalSeconds} and not a number of seconds from 0 to {s_longestGrace.TotalSeconds}."));
    }

    private static async Task StopAsync(ApiCall call)
    {
        var options = await ReadStopAsync(call).ConfigureAwait(false);
        await Compute(call, (compute, request) => compute.StopAsync(call.Instance, options, request, call.Aborted)).ConfigureAwait(false);
    }

    private static async Task RestartAsync(ApiCall call)
    {
        var options = await ReadStopAsync(call).ConfigureAwait(false);
        await Compute(call, (compute, request) => compute.RestartAsync(call.Instance, options, request, call.Aborted)).ConfigureAwait(false);
    }

    private static async Task PlanAsync(ApiCall call)
    {
        var change = await call.ReadAsync<InstanceChange>().ConfigureAwait(false);
        var compute = await call.GetComputeAsync().ConfigureAwait(false);
        await call.WriteAsync(await compute.PlanAsync(call.Instance, change, call.Aborted).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async Task ApplyAsync(ApiCall call)
    {
        var body = await call.ReadAsync<ApplyRequest>().ConfigureAwait(false);
        if (body.Plan.Instance != new InstanceRef(call.Backend, call.Instance))
            throw RequestRefusedException.Field("plan.instance", $"The plan is for '{body.Plan.Instance}' and not for '{call.Backend}/{call.Instance}'.");
        await Compute(call, (compute, request) => compute.ApplyAsync(body.Plan, new ApplyOptions { Accept = body.Accept ?? ChangeEffects.Live }, request, call.Aborted)).ConfigureAwait(false);
    }

    private static async Task CloneAsync(ApiCall call)
    {
        var spec = await call.ReadAsync<CloneSpec>().ConfigureAwait(false);
        await Feature<ICloning, Instance>(call, (service, request) => service.CloneAsync(call.Instance, spec, request, call.Aborted)).ConfigureAwait(false);
    }
}
