using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>Commands, files, ports and volumes on the reference host: each is a job, and answered as the API answers. The containers are those of a simulated data centre that nobody else works on.</summary>
public sealed class ActionJobTests : IDisposable
{
    private const string Machines = "/api/v1/instances/local";

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Uploads => Path.Combine(_directory["state"], "uploads");

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 180_000)]
    public async Task A_command_is_a_job_and_its_caller_is_answered_as_ever()
    {
        await using var host = await StartAsync();
        string box = await MakeBoxAsync(host);
        using var ran = await host.ChangeAsync(HttpMethod.Post, box + "/commands", """{"command":["sh","-c","cat; echo aside >&2; exit 3"],"input":"told"}""");
        Assert.Equal(HttpStatusCode.OK, ran.StatusCode);
        string said = await ran.Content.ReadAsStringAsync(Token);
        var result = JsonNode.Parse(said)!;
        Assert.Equal((3, "told", "aside\n", false), ((int?)result["exitCode"], (string?)result["output"], (string?)result["error"], (bool?)result["isTruncated"]));

        var job = await EndedAsync(host, ran);
        Assert.Equal((JobState.Completed, "run command: box"), (job.State, job.Progress));
        using var kept = await host.Http.GetAsync($"/jobs/{job.Id}/answer", Token);
        Assert.Equal((HttpStatusCode.OK, said), (kept.StatusCode, await kept.Content.ReadAsStringAsync(Token)));

        // What the API refuses is refused in its words, and the job has failed with them.
        using var refused = await host.ChangeAsync(HttpMethod.Post, box + "/commands", """{"command":[]}""");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.NotNull(JsonNode.Parse(await refused.Content.ReadAsStringAsync(Token))!["fieldErrors"]!["command"]);
        job = await EndedAsync(host, refused);
        Assert.Equal(JobState.Failed, job.State);
        Assert.Contains("'command'", job.Error, StringComparison.Ordinal);
        using var none = await host.Http.GetAsync($"/jobs/{job.Id}/answer", Token);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    [Fact(Timeout = 180_000)]
    public async Task The_output_of_a_command_is_kept_for_a_caller_who_has_gone_and_files_are_written_meanwhile()
    {
        await using var host = await StartAsync();
        string box = await MakeBoxAsync(host);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var asked = AskAsync(host, box + "/commands", WaitsForFile("one"), patience.Token);
        var id = await BegunAsync(host, box, "one");
        Assert.Contains(await host.Services.GetRequiredService<IJobs>().ListLanesAsync(Token), lane => lane.Holder == id && lane.Claim.Key.ToString().StartsWith("local/guest:", StringComparison.Ordinal) && lane.Claim.Mode == LaneMode.Shared);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);

        Assert.Equal(HttpStatusCode.NoContent, (await UploadAsync(host, box, "/tmp/go", [])).StatusCode);
        Assert.Equal(JobState.Completed, (await host.Services.GetRequiredService<IJobs>().WaitAsync(id, Token)).State);
        var result = JsonNode.Parse(await host.Http.GetStringAsync($"/jobs/{id}/answer", Token))!;
        Assert.Equal((0, "gone on\nand read on"), ((int?)result["exitCode"], (string?)result["output"]));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_command_that_runs_is_cancelled_as_a_job_and_keeps_nobody_from_stopping_its_machine()
    {
        await using var host = await StartAsync();
        string box = await MakeBoxAsync(host);
        var asked = AskAsync(host, box + "/commands", WaitsForFile("one"), Token);
        var id = await BegunAsync(host, box, "one");
        Assert.Equal(HttpStatusCode.NoContent, (await host.ChangeAsync(HttpMethod.Post, $"/jobs/{id}/cancel")).StatusCode);
        using var answer = await asked;
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal(JobState.Cancelled, (await host.Services.GetRequiredService<IJobs>().WaitAsync(id, Token)).State);

        // Its caller is answered when the machine is switched off under it.
        var again = AskAsync(host, box + "/commands", WaitsForFile("two"), Token);
        await BegunAsync(host, box, "two");
        using var stopped = await host.ChangeAsync(HttpMethod.Post, box + "/stop", """{"gracePeriod":0}""");
        Assert.Equal("succeeded", (string?)JsonNode.Parse(await stopped.Content.ReadAsStringAsync(Token))!["state"]);
        using var ended = await again;
    }

    [Fact(Timeout = 180_000)]
    public async Task A_file_is_written_and_deleted_by_jobs_and_nothing_of_it_stays_on_the_host()
    {
        await using var host = await StartAsync();
        string box = await MakeBoxAsync(host);
        byte[] content = RandomNumberGenerator.GetBytes((3 << 20) + 17);
        using var sent = await UploadAsync(host, box, "/tmp/sent here", content);
        Assert.Equal(HttpStatusCode.NoContent, sent.StatusCode);
        Assert.Equal("upload file: box", (await EndedAsync(host, sent)).Progress);
        Assert.Equal(content, await host.Http.GetByteArrayAsync(box + "/files/content?path=%2Ftmp%2Fsent%20here", Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Uploads));

        // What the API refuses is refused in its words, and not kept either.
        using var wrong = await UploadAsync(host, box, "/tmp/sent here&mode=0999", content);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.NotNull(JsonNode.Parse(await wrong.Content.ReadAsStringAsync(Token))!["fieldErrors"]!["mode"]);
        Assert.Equal(JobState.Failed, (await EndedAsync(host, wrong)).State);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Uploads));

        using var deleted = await host.ChangeAsync(HttpMethod.Delete, box + "/files?path=%2Ftmp%2Fsent%20here");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        var job = await EndedAsync(host, deleted);
        Assert.Equal((JobState.Completed, "delete file: box"), (job.State, job.Progress));
        using var missing = await host.ChangeAsync(HttpMethod.Delete, box + "/files?path=%2Ftmp%2Fsent%20here");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Fact(Timeout = 180_000)]
    public async Task What_waits_to_be_uploaded_is_encrypted_and_is_deleted_with_its_job_or_by_the_next_start()
    {
        byte[] canary = Encoding.ASCII.GetBytes("canary-of-an-upload-4711");
        JobId ended;
        string kept;
        Task<HttpResponseMessage> waiting;
        await using (var host = await StartAsync())
        {
            string box = await MakeBoxAsync(host);
            var jobs = host.Services.GetRequiredService<IJobs>();
            await jobs.PauseAsync("upload", Token);
            var cancelled = UploadAsync(host, box, "/tmp/cancelled", [.. canary, .. new byte[100_000]]);
            var one = await PendingAsync(host, "upload file: box");
            string file = await KeptAsync(one);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.True((File.GetUnixFileMode(Uploads) & (UnixFileMode)0b111_111) == 0);
            foreach (string path in Directory.EnumerateFiles(_directory["state"], "*", SearchOption.AllDirectories).Where(path => Path.GetExtension(path) != ".sock" && Path.GetFileName(path) != "lock"))
                Assert.True((await File.ReadAllBytesAsync(path, Token)).AsSpan().IndexOf(canary) < 0, $"{path} has what was sent.");

            Assert.True(await jobs.CancelAsync(one, Token));
            Assert.Equal(HttpStatusCode.Conflict, (await cancelled).StatusCode);
            ended = one;
            waiting = UploadAsync(host, box, "/tmp/waits", canary);
            kept = await KeptAsync(await PendingAsync(host, "upload file: box"));
            File.WriteAllText(Path.Combine(Uploads, Guid.NewGuid().ToString("N")), "of a crash, today");
            string old = Path.Combine(Uploads, Guid.NewGuid().ToString("N"));
            File.WriteAllText(old, "of a crash, long ago");
            File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-2));
        }

        await Assert.ThrowsAnyAsync<Exception>(() => waiting);
        await using (var host = await StartAsync())
        {
            Assert.Equal(2, Directory.EnumerateFiles(Uploads).Count());
            Assert.Contains(kept, Directory.EnumerateFiles(Uploads));
            Assert.DoesNotContain(Directory.EnumerateFiles(Uploads), file => file.EndsWith(ended.ToString(), StringComparison.Ordinal));
            // The simulated machine has gone with the host: what was to be written is refused, and no longer kept.
            var jobs = host.Services.GetRequiredService<IJobs>();
            await jobs.ResumeAsync("upload", Token);
            Assert.Equal(JobState.Failed, (await jobs.WaitAsync(JobId.Parse(Path.GetExtension(kept).TrimStart('.')), Token)).State);
            Assert.DoesNotContain(kept, Directory.EnumerateFiles(Uploads));
        }

        // The file has its name once the job is told about.
        async Task<string> KeptAsync(JobId id)
        {
            while (true)
            {
                if (Directory.EnumerateFiles(Uploads, $"*.{id}").SingleOrDefault() is { } file)
                    return file;
                await Task.Delay(20, Token);
            }
        }
    }

    [Fact(Timeout = 180_000)]
    public async Task A_command_that_the_end_of_the_host_broke_off_is_not_run_again_by_itself()
    {
        JobId id;
        await using (var host = await StartAsync())
        {
            string box = await MakeBoxAsync(host);
            var asked = AskAsync(host, box + "/commands", WaitsForFile("one"), Token);
            id = await BegunAsync(host, box, "one");
            await host.StopAsync();
            using var told = await asked;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, told.StatusCode);
            Assert.Contains(id.ToString(), await told.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        }

        await using (var host = await StartAsync())
        {
            var jobs = host.Services.GetRequiredService<IJobs>();
            var job = await jobs.WaitAsync(id, Token);
            Assert.Equal(JobState.Failed, job.State);
            Assert.Contains("was not sent again", job.Error, StringComparison.Ordinal);
            // Whoever runs it again has decided so: it is sent, to a machine that is no longer there.
            Assert.True(await jobs.RetryAsync(id, Token));
            job = await jobs.WaitAsync(id, Token);
            Assert.Equal(JobState.Failed, job.State);
            Assert.DoesNotContain("was not sent again", job.Error, StringComparison.Ordinal);
            Assert.Contains(await jobs.ListLogAsync(id, cancellationToken: Token).ToListAsync(Token), line => line.Text.EndsWith("was answered with 404.", StringComparison.Ordinal));
        }
    }

    [Fact(Timeout = 180_000)]
    public async Task A_port_is_opened_and_closed_by_jobs_in_the_lane_of_the_machine()
    {
        await using var host = await StartAsync();
        string box = await MakeBoxAsync(host);
        using var added = await host.ChangeAsync(HttpMethod.Post, box + "/ports", """{"guest":80}""");
        string said = await added.Content.ReadAsStringAsync(Token);
        Assert.True(added.StatusCode == HttpStatusCode.Created, said);
        var job = await EndedAsync(host, added);
        Assert.Equal((JobState.Completed, "add port: box"), (job.State, job.Progress));
        string port = (string)JsonNode.Parse(said)!["id"]!;
        Assert.Equal(port, (string?)Assert.Single(JsonNode.Parse(await host.Http.GetStringAsync(box + "/ports", Token))!["items"]!.AsArray())!["id"]);
        using var removed = await host.ChangeAsync(HttpMethod.Delete, $"{box}/ports/{port}");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.Equal("remove port: box", (await EndedAsync(host, removed)).Progress);
        using var missing = await host.ChangeAsync(HttpMethod.Delete, $"{box}/ports/{port}");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal(JobState.Failed, (await EndedAsync(host, missing)).State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(300_000)]
    public async Task A_sealed_file_is_read_as_it_was_written_and_not_where_it_was_cut_off_or_changed(int length)
    {
        byte[] content = RandomNumberGenerator.GetBytes(length), key = RandomNumberGenerator.GetBytes(SealedFile.KeyBytes);
        string path = _directory["sealed"];
        await using (var file = File.Create(path))
            Assert.Equal(length, await SealedFile.WriteAsync(file, new MemoryStream(content), key, length, Token));
        Assert.Equal(content, await ReadAsync(key));
        if (length == 0)
            return;

        await using (var file = File.Create(_directory["short"]))
            Assert.Null(await SealedFile.WriteAsync(file, new MemoryStream(content), key, length - 1, Token));
        byte[] written = await File.ReadAllBytesAsync(path, Token);
        await Assert.ThrowsAnyAsync<CryptographicException>(() => ReadAsync(RandomNumberGenerator.GetBytes(SealedFile.KeyBytes)));
        await File.WriteAllBytesAsync(path, written[..^1], Token);
        await Assert.ThrowsAsync<IOException>(() => ReadAsync(key));
        written[^1] ^= 1;
        await File.WriteAllBytesAsync(path, written, Token);
        await Assert.ThrowsAnyAsync<CryptographicException>(() => ReadAsync(key));

        async Task<byte[]> ReadAsync(byte[] by)
        {
            await using var file = new SealedFile(File.OpenRead(path), by, length);
            var read = new MemoryStream();
            await file.CopyToAsync(read, Token);
            return read.ToArray();
        }
    }

    private Task<RunningHost> StartAsync() => RunningHost.StartAsync(_directory, configure: services =>
    {
        // Nobody else works on the data centre, and no node is lost.
        foreach (var busy in services.Where(service => service.ImplementationType == typeof(SimulatedMachines)).ToList())
            services.Remove(busy);
    }, words: "--simulate");

    /// <summary>Makes and starts a container; its path.</summary>
    private static async Task<string> MakeBoxAsync(RunningHost host)
    {
        await host.SignInAsync();
        using var made = await host.ChangeAsync(HttpMethod.Post, Machines, """{"kind":"container","name":"box","image":"alpine-3","memoryLimit":"64MiB"}""");
        string said = await made.Content.ReadAsStringAsync(Token);
        Assert.True(made.IsSuccessStatusCode, said);
        string path = $"{Machines}/{JsonNode.Parse(said)!["result"]!["id"]}";
        using var started = await host.ChangeAsync(HttpMethod.Post, path + "/start");
        Assert.Equal("succeeded", (string?)JsonNode.Parse(await started.Content.ReadAsStringAsync(Token))!["state"]);
        return path;
    }

    private static async Task<HttpResponseMessage> AskAsync(RunningHost host, string path, string body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add(RequestGuard.CsrfHeader, host.Csrf);
        return await host.Http.SendAsync(request, cancellationToken);
    }

    private static async Task<HttpResponseMessage> UploadAsync(RunningHost host, string box, string file, byte[] content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{box}/files/content?path={file.Replace(" ", "%20", StringComparison.Ordinal)}") { Content = new ByteArrayContent(content) };
        request.Headers.Add(RequestGuard.CsrfHeader, host.Csrf);
        return await host.Http.SendAsync(request, Token);
    }

    /// <summary>The job of an answer, when it has ended: a moment after the caller was answered.</summary>
    private static Task<JobInfo> EndedAsync(RunningHost host, HttpResponseMessage answer) =>
        host.Services.GetRequiredService<IJobs>().WaitAsync(JobId.Parse(Assert.Single(answer.Headers.GetValues("X-Job-Id"))), Token);

    /// <summary>Says that it has begun, and runs until a test writes the file.</summary>
    private static string WaitsForFile(string name) => $$"""{"command":["sh","-c","touch /tmp/begun-{{name}}; while [ ! -e /tmp/go ]; do sleep 1; done; echo gone on; cat"],"input":"and read on"}""";

    /// <summary>Waits until the command has begun in the guest; its job.</summary>
    private static async Task<JobId> BegunAsync(RunningHost host, string box, string name)
    {
        while (!JsonNode.Parse(await host.Http.GetStringAsync(box + "/files?path=%2Ftmp", Token))!["items"]!.AsArray().Any(file => (string?)file!["name"] == $"begun-{name}"))
            await Task.Delay(20, Token);
        return await SeenAsync(host, "run command: box", JobState.InProgress);
    }

    private static Task<JobId> PendingAsync(RunningHost host, string name) => SeenAsync(host, name, JobState.Pending);

    private static async Task<JobId> SeenAsync(RunningHost host, string name, JobState state)
    {
        await foreach (var job in host.Services.GetRequiredService<IJobs>().WatchAsync(0, Token))
        {
            // As it is now, and not as it was told.
            if (job.Progress == name && (await host.Services.GetRequiredService<IJobs>().GetAsync(job.Id, Token))?.State == state)
                return job.Id;
        }

        throw new InvalidOperationException("The changes of the jobs have ended.");
    }
}
