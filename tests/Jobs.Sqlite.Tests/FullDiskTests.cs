using System.Diagnostics;
using Hypervisor.Sdk.Jobs.Tests;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Sqlite.Tests;

/// <summary>A disk that is really full, and one that can really not be written: a small file system of the test's own, which takes root.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly TempDirectory _directory = new();
    private bool _isMounted;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Disk => _directory["disk"];

    private string Path => System.IO.Path.Combine(Disk, "jobs.db");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "A file system is mounted by root only.");
        Directory.CreateDirectory(Disk);
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", Disk);
        _isMounted = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isMounted)
            await RunAsync("umount", "--lazy", Disk);
        _directory.Dispose();
    }

    [Fact(Timeout = 60_000)]
    public async Task On_a_full_disk_a_call_fails_nothing_answered_is_lost_and_the_store_goes_on_when_there_is_room()
    {
        string filler = System.IO.Path.Combine(Disk, "filler");
        await File.WriteAllBytesAsync(filler, new byte[1024 * 1024], Token);
        var answered = new List<JobId>();
        await using (var store = SqliteJobStore.Open(Path))
        {
            HypervisorException? full = null;
            while (full is null)
            {
                try
                {
                    answered.Add(await EnqueueAsync(store));
                }
                catch (HypervisorException failure)
                {
                    full = failure;
                }
            }

            Assert.Equal((ErrorCode.Unavailable, RequestOutcome.Rejected), (full.Code, full.Outcome));
            Assert.NotEmpty(answered);
            Assert.Equal(answered, await IdsAsync(store));
            File.Delete(filler);
            answered.Add(await EnqueueAsync(store));
            Assert.Equal(answered, await IdsAsync(store));
        }

        await using var again = SqliteJobStore.Open(Path);
        Assert.Equal(answered, await IdsAsync(again));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_file_that_cannot_be_written_is_refused_and_has_everything_when_it_can()
    {
        var answered = new List<JobId>();
        await using (var store = SqliteJobStore.Open(Path))
            answered.Add(await EnqueueAsync(store));
        await RunAsync("mount", "-o", "remount,ro", Disk);
        Assert.Contains("It was left as it is", Assert.Throws<HypervisorException>(() => SqliteJobStore.Open(Path)).Message, StringComparison.Ordinal);
        await RunAsync("mount", "-o", "remount,rw", Disk);
        await using var again = SqliteJobStore.Open(Path);
        Assert.Equal(answered, await IdsAsync(again));
        await EnqueueAsync(again);
    }

    [Fact(Timeout = 240_000)]
    public async Task A_disk_that_is_full_when_a_step_and_an_end_are_written_loses_nothing_and_the_engine_goes_on_when_there_is_room()
    {
        string filler = System.IO.Path.Combine(Disk, "filler");
        var world = new World();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var refused = new TaskCompletionSource<HypervisorException>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await Engine.StartAsync(Path, world, TimeProvider.System, configure: options => options.Lease = TimeSpan.FromSeconds(5), configureType: type =>
        {
            (type.MaxAttempts, type.MaxLostWorkers, type.RetryBase, type.RetryLimit) = (1000, 1000, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
        });
        engine.Handler.Before = async (job, _, _) =>
        {
            begun.TrySetResult();
            await release.Task;
            try
            {
                await job.StepAsync("big", JobsJson.Default.String, options =>
                {
                    world.Make(options.RequestId!.Value, "big");
                    return Task.FromResult(new string('b', 200_000));
                }, request => Task.FromResult(world.LookUp(request)));
            }
            catch (HypervisorException exception)
            {
                // Nothing is left for the end either.
                Fill(filler, leave: 0);
                refused.TrySetResult(exception);
                throw;
            }
        };
        var made = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        // Room for the intent, and not for the result.
        Fill(filler, leave: 100_000);
        release.SetResult();
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.Rejected), ((await refused.Task.WaitAsync(Token)).Code, (await refused.Task).Outcome));
        var refusal = await Assert.ThrowsAsync<HypervisorException>(() => engine.Jobs.EnqueueAsync(new BuildArgs(new string('a', 200_000)), cancellationToken: Token));
        Assert.Equal(RequestOutcome.Rejected, refusal.Outcome);
        File.Delete(filler);
        Assert.Equal(JobState.Completed, (await made.WaitAsync(Token)).State);
        Assert.Equal(["big", "web1-disk", "web1"], world.Made);
    }

    [Fact(Timeout = 240_000)]
    public async Task A_disk_that_becomes_read_only_under_the_store_keeps_what_was_answered()
    {
        string image = _directory["image"], disk = _directory["ext4"];
        using (var file = File.Create(image))
            file.SetLength(32 * 1024 * 1024);
        await RunAsync("mkfs.ext4", "-q", "-F", image);
        Directory.CreateDirectory(disk);
        await RunAsync("mount", "-o", "loop", image, disk);
        bool isMounted = true;
        try
        {
            string path = System.IO.Path.Combine(disk, "jobs.db");
            var answered = new List<JobId>();
            await using (var store = SqliteJobStore.Open(path))
            {
                answered.Add(await EnqueueAsync(store));
                // As the file system does it by itself where the disk fails: nothing is written any more, also by who has a file open.
                await RunAsync("mount", "-o", "remount,abort", disk);
                Assert.Equal(RequestOutcome.Rejected, (await Assert.ThrowsAsync<HypervisorException>(() => EnqueueAsync(store))).Outcome);
                Assert.Equal(answered, await IdsAsync(store));
                Assert.Equal(RequestOutcome.Rejected, (await Assert.ThrowsAsync<HypervisorException>(() => EnqueueAsync(store))).Outcome);
            }

            await RunAsync("umount", disk);
            isMounted = false;
            // It says by 1 that it has mended the file system, which was cut off.
            await RunAsync("e2fsck", "-p", image);
            await RunAsync("mount", "-o", "loop", image, disk);
            isMounted = true;
            await using var again = SqliteJobStore.Open(path);
            Assert.Equal(answered, await IdsAsync(again));
            await EnqueueAsync(again);
        }
        finally
        {
            if (isMounted)
                await RunAsync("umount", "--lazy", disk);
        }
    }

    // Takes all that the disk has but for some bytes.
    private static void Fill(string path, int leave)
    {
        using var filler = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 0);
        filler.Seek(0, SeekOrigin.End);
        byte[] block = new byte[4096];
        try
        {
            while (true)
                filler.Write(block);
        }
        catch (IOException)
        {
            // The disk is full.
        }

        filler.SetLength(Math.Max(0, filler.Length - leave));
    }

    private static async Task<JobId> EnqueueAsync(SqliteJobStore store) => Assert.Single(await store.EnqueueAsync(
        [new NewJob { Id = JobId.New(TimeProvider.System), Type = "build", Args = $"\"{new string('a', 10_000)}\"", CreatedAt = Start, DueAt = Start, MaxAttempts = 1 }], Token));

    private static async Task<IReadOnlyList<JobId>> IdsAsync(SqliteJobStore store) => [.. (await store.ListChangesAsync(0, 10_000, Token)).Select(job => job.Id)];

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(RealPeer.Program(program), arguments) { RedirectStandardError = true })!;
        string error = await process.StandardError.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.True(process.ExitCode == 0 || (program == "e2fsck" && process.ExitCode == 1), $"{program}: {error}");
    }
}
