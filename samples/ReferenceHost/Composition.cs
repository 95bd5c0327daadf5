using System.Reflection;
using Hypervisor.Sdk.Jobs;
using Microsoft.Extensions.FileProviders;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the host consists of, and in which order a request goes through it.</summary>
internal static class Composition
{
    /// <param name="options">What the command line says.</param>
    /// <param name="state">What outlives the host.</param>
    /// <param name="configure">The last word on the services: for tests.</param>
    /// <param name="moreJobs">Adds types of jobs: for tests.</param>
    public static WebApplication Build(HostOptions options, StateDirectory state, Action<WebApplicationBuilder>? configure = null, Action<JobsBuilder>? moreJobs = null)
    {
        // Production whatever the environment says: a developer's page would show stack traces. Slim: no more servers and loggers than are used.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production, ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Listen(options.Listen);
            server.ListenUnixSocket(state.ControlSocket);
        });

        builder.Services.AddSingleton(state);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(TimeProvider.System);
        var shared = options.Shared is null ? null : SharedDirectory.Open(options.Shared);

        // 1. The backends: each one line, with a name of its own.
        if (options.Simulate)
            builder.Services.AddSimulation(SimulatedMachines.Configure);
        else
            AddBackends(builder.Services.AddHypervisorSdk(), options, state);
        builder.Services.AddSingleton<IBackendRegistry, GuardedRegistry>();
        if (options.Simulate)
            builder.Services.AddHostedService<SimulatedMachines>();
        if (options.Demo)
            builder.Services.AddHostedService<DemoMachines>();

        // 2. The API over them. Operations can be asked for by a restarted host, because the key of their ids is kept.
        var operationKey = shared?.OperationKey() ?? state.OperationKey();
        builder.Services.AddHypervisorApi(api => api.OperationKey = operationKey);

        // Every action on a machine is a job: durable, one after the other on a machine, and settled after a crash.
        var jobs = builder.Services.AddMachineJobs(state, shared);
        moreJobs?.Invoke(jobs);

        // 3. Who may use it.
        builder.Services.AddSignIn();
        builder.Services.AddProblemDetails();
        builder.Services.AddHostFiltering(hosts => hosts.AllowedHosts = AllowedHosts(options));
        builder.Services.AddHostedService<Announcement>();

        configure?.Invoke(builder);
        var app = builder.Build();

        // 4. The way of a request. What fails unexpectedly is logged and answered as problem details, without its stack.
        app.Use(RequestLog.WriteAsync);
        app.Use(SecurityHeaders.AddAsync);
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use(ControlEndpoints.SeparateAsync);
        app.UseHostFiltering();
        UsePage(app, options);
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(30), KeepAliveTimeout = TimeSpan.FromSeconds(30) });
        app.UseRouting();
        app.UseRateLimiter();
        app.UseAuthentication();
        app.Use(RequestGuard.CheckAsync);
        app.UseAuthorization();
        app.Use(MachineJobs.RunAsync);

        // 5. What there is.
        app.MapSignIn();
        app.MapControl();
        app.MapJobs();
        app.MapHypervisorApi("/api/v1").RequireAuthorization();
        app.MapGet("/", http => http.Response.WriteAsync("The host serves, but its page is not built: ./run builds it. The API is at /api/v1, described by /api/v1/openapi.json.\n"));
        return app;
    }

    private static void AddBackends(HypervisorSdkBuilder backends, HostOptions options, StateDirectory state)
    {
        if (options.Shared is null)
        {
            backends.AddQemu(Machines.Own, qemu =>
            {
                qemu.StateDirectory = state.Machines;
                qemu.AttachDirectories = [state.Disks, .. options.AllowedDirectories];
                if (options.Guest is not null)
                    qemu.ImageDirectories.Add(options.Guest);
            });
            backends.AddDirectoryStorage("storage", storage => storage.Pools["main"] = state.Disks);
        }

        // The daemon's own rights are not this host's: whoever is signed in may give its machines any file of its host.
        if (options.Libvirt is not null)
            backends.AddLibvirt("libvirt", options.Libvirt);
        if (options.Lxd is not null)
            backends.AddLxd("lxd", lxd => lxd.Connection.Server = options.Lxd);
        if (options.Incus is not null)
            backends.AddIncus("incus", incus => incus.Connection.Server = options.Incus);
    }

    /// <summary>The names that a browser may call this host by: another site's name that resolves to this address gets nothing.</summary>
    private static string[] AllowedHosts(HostOptions options) => ["localhost", "127.0.0.1", "[::1]", options.Listen.Address.ToString().Contains(':') ? $"[{options.Listen.Address}]" : options.Listen.Address.ToString()];

    private static void UsePage(WebApplication app, HostOptions options)
    {
        string page = options.Page ?? BuiltPage();
        if (!File.Exists(Path.Combine(page, "index.html")))
            return;
        var files = new PhysicalFileProvider(page);
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files });
        app.UseStaticFiles(new StaticFileOptions { FileProvider = files, OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" });
    }

    /// <summary>Beside the program where it was published, else in the checkout that it was built from.</summary>
    private static string BuiltPage()
    {
        string beside = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        return Directory.Exists(beside) ? beside : typeof(Composition).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(metadata => metadata.Key == "Page").Value!;
    }
}
