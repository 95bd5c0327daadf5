using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>What requests that become jobs hold stays the host's secret: the key, and what is encrypted by it.</summary>
public sealed class JobSecretTests : IDisposable
{
    private const string Canary = "canary-Xq7-password-4711-of-web1";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string State => _directory["state"];

    private string KeyFile => Path.Combine(State, "job-key");

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 180_000)]
    [Peer("qemu")]
    [Feature("AUT-31")]
    public async Task A_password_for_a_new_machine_is_in_no_file_of_the_host_no_line_of_its_log_and_on_no_page()
    {
        RealPeer.Program("qemu-system-x86_64");
        string body = Body("secret");
        // As it came, and as a body is kept.
        Assert.Contains(Needles(), needle => Convert.ToBase64String(Encoding.UTF8.GetBytes(body)).Contains(needle, StringComparison.Ordinal));
        string said;
        await using (var host = await HostProcess.StartAsync(State, "--page", _directory["page"]))
        {
            const string Machines = "/api/v1/instances/local";
            var (status, answer) = await host.ChangeAsync(HttpMethod.Post, Machines, body, waits: true);
            Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.Accepted, answer);
            AssertNot(answer);
            // One that fails is told about, and kept.
            (status, answer) = await host.ChangeAsync(HttpMethod.Post, Machines, body, waits: true);
            AssertNot(answer);
            var (jobs, told) = await host.WatchJobsUntilAsync(all => all.Count(job => (string?)job["type"] == "machine" && job["endedAt"] is not null) >= 2);
            Assert.Contains(jobs.Values, job => (string?)job["state"] == "completed");
            Assert.Contains(jobs.Values, job => (string?)job["state"] == "failed");
            AssertNot(told);
            AssertNot((await host.GetAsync("/jobs")).ToJsonString());
            foreach (var job in jobs.Values.Where(job => (string?)job["type"] == "machine"))
            {
                AssertNot((await host.GetAsync($"/jobs/{job["id"]}")).ToJsonString());
                if ((string?)job["state"] == "completed")
                    AssertNot((await host.GetAsync($"/jobs/{job["id"]}/answer")).ToJsonString());
            }

            AssertNot((await host.GetAsync("/api/v1/instances?limit=100")).ToJsonString());
            // Nothing is tidied up before its files are looked at.
            await host.KillAsync();
            said = host.Said;
        }

        AssertNot(said);
        // Beside what the machine itself boots from.
        var files = Directory.EnumerateFiles(State, "*", SearchOption.AllDirectories)
            .Where(file => !file.StartsWith(Path.Combine(State, "machines") + "/", StringComparison.Ordinal) && Path.GetExtension(file) != ".sock").ToList();
        Assert.Contains(files, file => Path.GetFileName(file) == "jobs.db");
        foreach (string file in files)
        {
            // Latin-1 takes any byte for a letter.
            string text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, Token));
            Assert.All(Needles(), needle => Assert.False(text.Contains(needle, StringComparison.Ordinal), $"{file} has the secret."));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task The_key_is_the_owners_alone_and_is_kept_over_restarts()
    {
        byte[] key;
        await using (await RunningHost.StartAsync(_directory))
        {
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(KeyFile));
            key = await File.ReadAllBytesAsync(KeyFile, Token);
        }

        await using (await RunningHost.StartAsync(_directory))
            Assert.Equal(key, await File.ReadAllBytesAsync(KeyFile, Token));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(KeyFile));
        Assert.DoesNotContain(Directory.EnumerateFiles(State), file => file.EndsWith(".new", StringComparison.Ordinal));
        using (var state = StateDirectory.Open(State))
        {
            var one = state.JobKey;
            Assert.True(one.TryGet(one.CurrentId, out var held));
            Assert.Equal(32, held!.Reveal().Length);
            Assert.False(one.TryGet("other", out _));
            Assert.Empty(state.Delete());
        }
    }

    [Theory(Timeout = 120_000)]
    [InlineData("readable by others", "chmod 600")]
    [InlineData("cut off", "is damaged")]
    [InlineData("another byte", "is damaged")]
    [InlineData("empty", "is damaged")]
    [InlineData("longer", "is damaged")]
    public async Task A_key_that_is_damaged_or_that_others_may_read_is_refused_and_left_as_it_is(string what, string reason)
    {
        await using (await RunningHost.StartAsync(_directory))
        {
        }

        byte[] key = await File.ReadAllBytesAsync(KeyFile, Token);
        byte[] broken = what switch
        {
            "cut off" => key[..^5],
            "another byte" => [.. key[..^9], (byte)(key[^9] == 'A' ? 'B' : 'A'), .. key[^8..]],
            "empty" => [],
            "longer" => [.. key, .. key],
            _ => key,
        };
        await File.WriteAllBytesAsync(KeyFile, broken, Token);
        if (broken == key)
            File.SetUnixFileMode(KeyFile, OwnerOnly | UnixFileMode.GroupRead);
        var refusal = await Assert.ThrowsAsync<IOException>(() => RunningHost.StartAsync(_directory));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(KeyFile, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(broken, await File.ReadAllBytesAsync(KeyFile, Token));
    }

    private static string Body(string name) => new JsonObject
    {
        ["kind"] = "virtualMachine",
        ["name"] = name,
        ["sizing"] = new JsonObject { ["kind"] = "explicit", ["cpus"] = 1, ["memory"] = "64MiB" },
        ["disks"] = new JsonArray(new JsonObject { ["content"] = new JsonObject { ["kind"] = "blank", ["size"] = "16MiB" } }),
        ["cloudInit"] = new JsonObject { ["userData"] = $"#cloud-config\npassword: {Canary}\n" },
    }.ToJsonString();

    private static void AssertNot(string text) => Assert.All(Needles(), needle => Assert.DoesNotContain(needle, text, StringComparison.Ordinal));

    // The secret, and what stands for its inner bytes in base64, wherever in the text it begins.
    private static IEnumerable<string> Needles()
    {
        yield return Canary;
        byte[] canary = Encoding.ASCII.GetBytes(Canary);
        for (int offset = 0; offset < 3; offset++)
        {
            string text = Convert.ToBase64String([.. new byte[offset], .. canary]);
            yield return text[(((offset * 8) + 5) / 6)..((offset + canary.Length) * 8 / 6)];
        }
    }
}
