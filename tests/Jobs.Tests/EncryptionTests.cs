using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Arguments and results that are encrypted at rest.</summary>
public sealed class EncryptionTests : IDisposable
{
    private const string Canary = "canary-4711";

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    [Feature("AUT-31")]
    public async Task A_secret_in_arguments_is_in_no_row_no_log_no_span_and_no_list()
    {
        var keys = new Keys("k1");
        var logs = new Recorder();
        var spans = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == JobsTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => spans.Enqueue(span.DisplayName + string.Join(' ', span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"))),
        };
        ActivitySource.AddActivityListener(listener);
        await using (var engine = await StartAsync(keys, logs))
        {
            var handle = await engine.Jobs.EnqueueAsync(new BuildArgs(Canary), cancellationToken: Token);
            await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "@daily" }, new BuildArgs(Canary), Token);
            Assert.Equal(JobState.Completed, (await _clock.UntilAsync(handle.WaitAsync(Token), stepSeconds: 0.2)).State);
            Assert.Equal(Canary, (await engine.Jobs.WaitAsync<BuildResult>(handle.Id, Token)).Machine);
            string listed = string.Join(' ', await engine.Jobs.ListAsync(cancellationToken: Token).Select(job => $"{job.Type} {job.Error} {job.Progress} {job.Worker}").ToListAsync(Token));
            Assert.DoesNotContain(Canary, listed, StringComparison.Ordinal);
        }

        byte[] canary = Encoding.UTF8.GetBytes(Canary);
        foreach (string file in Directory.EnumerateFiles(_directory.Path))
            Assert.True((await File.ReadAllBytesAsync(file, Token)).AsSpan().IndexOf(canary) < 0, $"{file} has the secret.");
        Assert.All(logs.Lines, line => Assert.DoesNotContain(Canary, line, StringComparison.Ordinal));
        Assert.All(spans, span => Assert.DoesNotContain(Canary, span, StringComparison.Ordinal));

        // Without the encryption the same rows have it: what is looked for can be found.
        await using (var plain = await Engine.StartAsync(_directory["plain.db"], new World(), _clock, configure: options => options.Concurrency = 0))
            await plain.Jobs.EnqueueAsync(new BuildArgs(Canary), cancellationToken: Token);
        Assert.True((await File.ReadAllBytesAsync(_directory["plain.db"], Token)).AsSpan().IndexOf(canary) >= 0);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_reference_to_a_secret_is_all_that_is_kept_of_it_and_its_handler_has_the_secret()
    {
        var logs = new Recorder();
        var vault = new Vault { Now = Canary };
        var used = new ConcurrentQueue<string>();
        byte[] canary = Encoding.UTF8.GetBytes(Canary);
        // Nothing is encrypted.
        await using (var engine = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configureJobs: jobs =>
        {
            jobs.Services.AddSingleton<ILoggerProvider>(logs).AddSingleton<ISecretProvider>(vault).AddSingleton(used);
            jobs.AddHandler<SetPassword, SecretArgs, string>("password", JobsJson.Default.SecretArgs, JobsJson.Default.String);
        }))
        {
            var args = new SecretArgs("web1", new SecretReference("vault/web1", "3"));
            var handle = await engine.Jobs.EnqueueAsync(args, cancellationToken: Token);
            await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "@daily" }, args, Token);
            await _clock.AtAsync(_clock.GetUtcNow(), async () => (await engine.Jobs.GetAsync(handle.Id, Token))!.HasEnded);
            Assert.Equal("set", await engine.Jobs.WaitAsync<string>(handle.Id, Token));
            // The next job has what the secret is by then.
            vault.Now = "another";
            var next = await engine.Jobs.EnqueueAsync(args, cancellationToken: Token);
            await _clock.AtAsync(_clock.GetUtcNow(), async () => (await engine.Jobs.GetAsync(next.Id, Token))!.HasEnded);
            Assert.Equal([$"vault/web1 3 {Canary}", "vault/web1 3 another"], used);
            // A backup is made beside it, and the log is there while it is open.
            while (!File.Exists(_directory["jobs.db.backup"]))
                await Task.Delay(TimeSpan.FromMilliseconds(1), Token);
            File.Delete(_directory["jobs.db.backup"]);
            while (!File.Exists(_directory["jobs.db.backup"]))
            {
                await engine.Service<IJobStore>().PurgeAsync(_clock.GetUtcNow(), 1);
                await Task.Delay(TimeSpan.FromMilliseconds(1), Token);
            }

            await LookAsync("jobs.db", "jobs.db-wal", "jobs.db.backup");
        }

        await LookAsync("jobs.db");
        Assert.All(logs.Lines, line => Assert.DoesNotContain(Canary, line, StringComparison.Ordinal));

        // The reference is there in clear: what is looked for can be found.
        async Task LookAsync(params string[] files)
        {
            var all = new List<byte>();
            foreach (string file in files)
            {
                await using var stream = new FileStream(_directory[file], FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using var copy = new MemoryStream();
                await stream.CopyToAsync(copy, Token);
                Assert.True(copy.ToArray().AsSpan().IndexOf(canary) < 0, $"{file} has the secret.");
                all.AddRange(copy.ToArray());
            }

            Assert.True(all.ToArray().AsSpan().IndexOf("vault/web1"u8) >= 0);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_key_is_followed_by_another_and_what_is_older_is_still_read_as_is_what_was_never_encrypted()
    {
        var keys = new Keys("k1");
        List<JobId> ids = [];
        await using (var plain = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Concurrency = 0))
            ids.Add((await plain.Jobs.EnqueueAsync(new BuildArgs("plain"), cancellationToken: Token)).Id);
        await using (var one = await StartAsync(keys, new Recorder(), concurrency: 0))
            ids.Add((await one.Jobs.EnqueueAsync(new BuildArgs("old"), cancellationToken: Token)).Id);
        keys.Use("k2");
        await using var two = await StartAsync(keys, new Recorder());
        ids.Add((await two.Jobs.EnqueueAsync(new BuildArgs("new"), cancellationToken: Token)).Id);
        var names = new List<string>();
        foreach (var id in ids)
        {
            await _clock.UntilAsync(two.Jobs.WaitAsync(id, Token), stepSeconds: 0.2);
            names.Add((await two.Jobs.WaitAsync<BuildResult>(id, Token)).Machine);
        }

        Assert.Equal(["plain", "old", "new"], names);
    }

    [Fact(Timeout = 120_000)]
    public async Task Without_the_key_a_job_fails_and_stays_and_is_run_again_when_the_key_is_there()
    {
        var keys = new Keys("k1");
        JobId id;
        await using (var one = await StartAsync(keys, new Recorder(), concurrency: 0))
            id = (await one.Jobs.EnqueueAsync(new BuildArgs(Canary), cancellationToken: Token)).Id;
        await using (var without = await StartAsync(new Keys("other"), new Recorder()))
        {
            var failed = await _clock.UntilAsync(without.Jobs.WaitAsync(id, Token), stepSeconds: 0.2);
            Assert.Equal(JobState.Failed, failed.State);
            Assert.DoesNotContain(Canary, failed.Error, StringComparison.Ordinal);
        }

        await using var with = await StartAsync(keys, new Recorder());
        Assert.True(await with.Jobs.RetryAsync(id, Token));
        Assert.Equal(JobState.Completed, (await _clock.UntilAsync(with.Jobs.WaitAsync(id, Token), stepSeconds: 0.2)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task Keys_that_throw_for_one_job_keep_no_other_of_its_claim_and_the_job_waits_with_the_reason()
    {
        var keys = new Keys("k1");
        JobId broken, sound;
        await using (var page = await StartAsync(keys, new Recorder(), concurrency: 0))
        {
            broken = (await page.Jobs.EnqueueAsync(new BuildArgs("broken"), cancellationToken: Token)).Id;
            keys.Use("k2");
            sound = (await page.Jobs.EnqueueAsync(new BuildArgs("sound"), cancellationToken: Token)).Id;
        }

        keys.Broken = "k1";
        await using var engine = await StartAsync(keys, new Recorder());
        Assert.Equal(JobState.Completed, (await engine.Jobs.WaitAsync(sound, Token)).State);
        Assert.Equal(1, (await engine.Jobs.GetAsync(sound, Token))!.Attempts);
        JobInfo waits;
        while ((waits = (await engine.Jobs.GetAsync(broken, Token))!).Error is null)
            await Task.Yield();
        Assert.Contains("The vault is sealed.", waits.Error, StringComparison.Ordinal);
        keys.Broken = null;
        Assert.Equal(JobState.Completed, (await _clock.SlowlyUntilAsync(engine.Jobs.WaitAsync(broken, Token))).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_schedule_whose_arguments_cannot_be_decrypted_is_not_fired_until_they_can()
    {
        var keys = new Keys("k1");
        await using var engine = await StartAsync(keys, new Recorder());
        await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "* * * * *" }, new BuildArgs("nightly"), Token);
        keys.Use("k2");
        keys.Broken = "k1";
        var other = await engine.Jobs.EnqueueAsync(new BuildArgs("other"), new JobOptions { Delay = TimeSpan.FromMinutes(5) }, Token);
        // What is due after it is not kept by it.
        Assert.Equal(JobState.Completed, (await _clock.UntilAsync(other.WaitAsync(Token))).State);
        Assert.Single(await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token));
        keys.Broken = null;
        while (await engine.Jobs.ListAsync(new JobQuery { State = JobState.Completed }, Token).CountAsync(Token) < 2)
            await _clock.TickAsync(stepSeconds: 0.5);
    }

    [Fact]
    public void What_was_encrypted_for_one_row_is_not_that_of_another_and_a_changed_byte_is_seen()
    {
        var cipher = new PayloadCipher(new Keys("k1"));
        string stored = cipher.Encrypt("{\"a\":1}", "args 1");
        Assert.Equal("{\"a\":1}", cipher.TryDecrypt(stored, "args 1"));
        Assert.Null(cipher.TryDecrypt(stored, "args 2"));
        Assert.NotEqual(stored, cipher.Encrypt("{\"a\":1}", "args 1"));
        Assert.Null(cipher.TryDecrypt(stored[..^6] + (stored[^6] == 'A' ? 'B' : 'A') + stored[^5..], "args 1"));
        Assert.Null(cipher.TryDecrypt("hvsdk1:k1:AAAA", "args 1"));
        Assert.Null(cipher.TryDecrypt("hvsdk1:k1", "args 1"));
        Assert.Equal("{}", cipher.TryDecrypt("{}", "args 1"));
    }

    private Task<Engine> StartAsync(Keys keys, Recorder logs, int concurrency = 4) => Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Concurrency = concurrency,
        configureJobs: jobs =>
        {
            jobs.Services.AddSingleton<ILoggerProvider>(logs);
            jobs.EncryptPayloads(keys);
        });

    private sealed class Vault : ISecretProvider
    {
        public string Now { get; set; } = "";

        public ValueTask<Secret> GetAsync(SecretReference reference, CancellationToken cancellationToken = default) => ValueTask.FromResult(new Secret(Encoding.UTF8.GetBytes(Now)));
    }

    private sealed class SetPassword(ISecretProvider secrets, ConcurrentQueue<string> used) : IJobHandler<SecretArgs, string>
    {
        public Task<string> RunAsync(JobContext job, SecretArgs args, CancellationToken cancellationToken) => job.StepAsync("set", JobsJson.Default.String, async _ =>
        {
            var secret = await secrets.GetAsync(args.Password, cancellationToken);
            used.Enqueue($"{args.Password.Name} {args.Password.Version} {secret.RevealText()}");
            return "set";
        }, _ => Task.FromResult(StepLookup<string>.NotHappened));
    }

    private sealed class Keys(string id) : IJobKeys
    {
        private readonly Dictionary<string, Secret> _keys = new() { [id] = new Secret(RandomNumberGenerator.GetBytes(32)) };

        public string CurrentId { get; private set; } = id;

        /// <summary>The key that cannot be had now.</summary>
        public string? Broken { get; set; }

        public void Use(string next)
        {
            _keys[next] = new Secret(RandomNumberGenerator.GetBytes(32));
            CurrentId = next;
        }

        public bool TryGet(string id, [NotNullWhen(true)] out Secret? key) => id != Broken ? _keys.TryGetValue(id, out key) : throw new System.IO.IOException("The vault is sealed.");
    }

    private sealed class Recorder : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue(formatter(state, exception) + exception);

        public void Dispose()
        {
        }
    }
}
