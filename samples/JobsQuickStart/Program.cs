// Makes machines by durable jobs: JobsQuickStart FILE. Stop it in the middle, by whatever means, and start it again with the same file: what was begun is finished. The data centre is simulated and
// forgotten with the process; with a real backend in its place, what it has done already is found there by its request and not done twice.
using Hypervisor.Sdk;
using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Samples.JobsQuickStart;

string file = args is [var path] ? Path.GetFullPath(path) : throw new ArgumentException("usage: JobsQuickStart FILE");

await using var datacenter = new SimulatedDatacenter(options => options.Seed = 1);
var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddSingleton<IBackend>(datacenter.Backend);
builder.Services.AddJobs(options => options.Concurrency = 4)
    .UseSqlite(file)
    .AddHandler<CreateMachine, CreateMachineArgs, string>("create-machine", SampleJson.Default.CreateMachineArgs, SampleJson.Default.String, options => options.MaxAttempts = 10);
using var host = builder.Build();
await host.StartAsync();

// A key makes it one job, however often this program is started before the job has ended.
var jobs = host.Services.GetRequiredService<IJobs>();
string[] names = ["web1", "web2", "db1"];
var open = new HashSet<JobId>();
foreach (string name in names)
    open.Add((await jobs.EnqueueAsync(new CreateMachineArgs(name, MiB: 512), new JobOptions { UniqueKey = name })).Id);

await foreach (var job in jobs.WatchAsync())
{
    Console.WriteLine($"{job.Id} {job.State} {job.Progress}{job.Error}");
    if (job.HasEnded && open.Remove(job.Id) && open.Count == 0)
        break;
}

await host.StopAsync();
