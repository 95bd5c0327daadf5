using System.Diagnostics;
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

    private static async Task<JobId> EnqueueAsync(SqliteJobStore store) => Assert.Single(await store.EnqueueAsync(
        [new NewJob { Id = JobId.New(TimeProvider.System), Type = "build", Args = $"\"{new string('a', 10_000)}\"", CreatedAt = Start, DueAt = Start, MaxAttempts = 1 }], Token));

    private static async Task<IReadOnlyList<JobId>> IdsAsync(SqliteJobStore store) => [.. (await store.ListChangesAsync(0, 10_000, Token)).Select(job => job.Id)];

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(RealPeer.Program(program), arguments) { RedirectStandardError = true })!;
        string error = await process.StandardError.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.True(process.ExitCode == 0, $"{program}: {error}");
    }
}
