using System.Net;
using System.Text.Json.Nodes;
using Hypervisor.Sdk.Jobs.Tests.Stores;
using Hypervisor.Sdk.Testing.Lxd;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>Reference hosts that are one panel: processes of their own over one real LXD and one real PostgreSQL.</summary>
[Peer("lxd")]
[Peer("postgresql")]
public sealed class SharedHostTests
{
    private const string Containers = "/api/v1/instances/lxd";
    private const int AtOnce = 8;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("CLU-24")]
    public async Task What_one_host_was_asked_is_done_by_the_other_when_it_is_killed_and_both_show_it()
    {
        using var directory = new TempDirectory();
        await using var database = new PostgreSqlServer();
        string shared = directory["shared"];
        Directory.CreateDirectory(shared);
        await File.WriteAllTextAsync(Path.Combine(shared, "database"), await database.CreateDatabaseAsync() + "\n", Token);
        File.SetUnixFileMode(Path.Combine(shared, "database"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using var server = await PrivateServer.StartAsync(ServerKind.Lxd, hasOwnNetwork: true, watch: null, Token);
        string[] words = ["--page", directory["page"], "--shared", shared, "--lxd", server.Socket];

        int made = 0, deleted = 0;
        var ids = new Queue<string>();
        await using var second = await HostProcess.StartAsync(directory["b"], words);
        await using (var first = await HostProcess.StartAsync(directory["a"], words))
        {
            // One is asked and both do it, or either: the answer is that of the API.
            var (status, answer) = await first.ChangeAsync(HttpMethod.Post, Containers, Spec("first"), waits: true);
            Assert.True(status == HttpStatusCode.OK && (string?)JsonNode.Parse(answer)!["state"] == "succeeded", $"{status}: {answer}");
            ids.Enqueue((string)JsonNode.Parse(answer)!["result"]!["id"]!);
            Assert.Equal("first", (string?)Assert.Single((await second.GetAsync("/api/v1/instances?limit=100"))["items"]!.AsArray())!["name"]);

            // Asked of the first, which is killed in the middle of what it does of it; its callers learn nothing.
            var asked = new List<Task>();
            while (true)
            {
                asked.AddRange(Enumerable.Range(made, AtOnce).Select(number => first.ChangeAsync(HttpMethod.Post, Containers, Spec($"made-{number}"), waits: true)));
                made += AtOnce;
                // What is deleted is what the round before has made.
                asked.Add(first.ChangeAsync(HttpMethod.Delete, $"{Containers}/{Uri.EscapeDataString(ids.Dequeue())}", waits: true));
                deleted++;
                await second.WatchJobsUntilAsync(all => all.Count(IsMachine) == made + deleted + 1);
                await server.HoldAsync();
                var now = (await second.GetAsync("/jobs"))["jobs"]!.AsArray();
                if (now.Any(job => IsMachine(job!) && (string?)job!["state"] == "inProgress" && ((string)job["worker"]!).Contains($"/{first.ProcessId}/", StringComparison.Ordinal)))
                    break;
                // All were done before the server was held.
                await server.LetGoAsync();
                await Task.WhenAll(asked);
                ids.Enqueue((string)(await second.GetAsync("/api/v1/instances?limit=100"))["items"]!.AsArray()[0]!["id"]!);
            }

            await first.KillAsync();
            await server.LetGoAsync();
            await Task.WhenAll(asked).ContinueWith(_ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        var (jobs, told) = await second.WatchJobsUntilAsync(all => all.Count(IsMachine) == made + deleted + 1 && all.Where(IsMachine).All(IsEnded));
        Assert.All(jobs.Values.Where(IsMachine), job => Assert.True((string?)job["state"] == "completed", told));
        Assert.Contains(jobs.Values, job => (int?)job["attempts"] > 1);
        var names = (await second.GetAsync("/api/v1/instances?limit=100"))["items"]!.AsArray().Select(instance => (string)instance!["name"]!).ToList();
        Assert.Equal(made + 1 - deleted, names.Count);
        Assert.Equal(names.Count, names.Distinct().Count());

        // The backends are those that all were started with.
        var (refused, why) = await second.ChangeAsync(HttpMethod.Post, "/api/v1/backends", """{"name":"mine","kind":"qemu","settings":{}}""");
        Assert.Equal((HttpStatusCode.Forbidden, "denied"), (refused, (string?)JsonNode.Parse(why)!["code"]));

        // A third one later sees all of it.
        await using var third = await HostProcess.StartAsync(directory["c"], words);
        Assert.Equal(made + 1 - deleted, (await third.GetAsync("/api/v1/instances?limit=100"))["items"]!.AsArray().Count);
        Assert.Equal(made + deleted + 1, (await third.GetAsync("/jobs"))["jobs"]!.AsArray().Count(job => IsMachine(job!)));
    }

    [Fact]
    public void What_hosts_share_is_checked_before_anything_begins()
    {
        using var directory = new TempDirectory();
        string file = directory["database"];
        Assert.Contains(file, Refusal(), StringComparison.Ordinal);
        File.WriteAllText(file, "Host=db;Password=secret-canary");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Contains("chmod 600", Refusal(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret-canary", Refusal(), StringComparison.Ordinal);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal("Host=db;Password=secret-canary", ReferenceHost.SharedDirectory.Open(directory.Path).ConnectionString);
        foreach (string wrong in new[] { "", "\n", "Host=a\nHost=b", new string('x', 5000) })
        {
            File.WriteAllText(file, wrong);
            Assert.Contains("one line", Refusal(), StringComparison.Ordinal);
        }

        string Refusal() => Assert.ThrowsAny<IOException>(() => ReferenceHost.SharedDirectory.Open(directory.Path)).Message;
    }

    [Theory]
    [InlineData("--lxd or --incus", "--shared", "/d")]
    [InlineData("--lxd or --incus", "--shared", "/d", "--lxd", "none")]
    [InlineData("--simulate", "--shared", "/d", "--simulate")]
    [InlineData("--demo", "--shared", "/d", "--demo", "--guest", "/g")]
    [InlineData("needs a value", "--shared")]
    [InlineData("needs a value", "--lxd")]
    public void Options_that_make_no_panel_are_refused(string said, params string[] words)
    {
        Assert.False(ReferenceHost.HostOptions.TryParse(words, out _, out string? problem));
        Assert.Contains(said, problem, StringComparison.Ordinal);
    }

    private static string Spec(string name) => $$"""{"kind":"container","name":"{{name}}","image":"busybox","memoryLimit":"64MiB"}""";

    private static bool IsMachine(JsonNode job) => (string?)job["type"] == "machine";

    private static bool IsEnded(JsonNode job) => job["endedAt"] is not null;
}
