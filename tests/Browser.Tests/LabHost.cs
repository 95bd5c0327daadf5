using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.Jobs.Stores;
using Hypervisor.Sdk.ReferenceHost;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>The reference host's own composition, served in this process from a private state directory, with one type of job more: what each of its jobs does is the test's.</summary>
internal sealed class LabHost : IServedHost
{
    private readonly WebApplication _app;
    private readonly StateDirectory _state;
    private readonly TempDirectory _directory;

    private LabHost(WebApplication app, StateDirectory state, TempDirectory directory, LabWorks works)
    {
        (_app, _state, _directory, Works) = (app, state, directory, works);
        Root = new Uri(app.Urls.First(url => !url.Contains("unix:", StringComparison.Ordinal)));
        SignIn = new Uri(Root, "#token=" + File.ReadAllText(state.SignInToken).Trim());
    }

    public Uri Root { get; }

    public Uri SignIn { get; }

    public string Said => "";

    public LabWorks Works { get; }

    public IJobs Jobs => _app.Services.GetRequiredService<IJobs>();

    public IJobStore Store => _app.Services.GetRequiredService<IJobStore>();

    public static async Task<LabHost> StartAsync(CancellationToken cancellationToken)
    {
        var directory = new TempDirectory();
        string[] words = ["--state", directory["state"], "--page", Repository.PathOf("samples", "ReferenceHost", "wwwroot"), "--lxd", "none", "--incus", "none"];
        Assert.True(HostOptions.TryParse(words, out var options, out string? problem), problem);
        var state = StateDirectory.Open(options.State);
        var works = new LabWorks();
        var app = Composition.Build(options, state, builder =>
        {
            builder.Logging.ClearProviders();
            builder.Services.AddSingleton(works);
        }, jobs => jobs.AddHandler<LabHandler, LabWork, string>(LabHandler.JobType, LabJson.Default.LabWork, LabJson.Default.String));
        await app.StartAsync(cancellationToken);
        return new LabHost(app, state, directory, works);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _state.Dispose();
        _directory.Dispose();
    }
}
