using System.Text.RegularExpressions;
using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>The page of jobs in a real browser, over the real host with jobs that the test holds in its hand. Every test fails when the page reports an error.</summary>
[Peer("chromium")]
[Speed(SpeedAttribute.Slow)]
public sealed class JobsPageTests(JobsPageFixture fixture) : IClassFixture<JobsPageFixture>
{
    private const int PageJobs = 50;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public Task The_progress_of_a_job_is_seen_moving_to_its_end() => fixture.UseAsync("#/jobs", async page =>
    {
        string name = Name("moves");
        var (half, most, end) = (Gate(), Gate(), Gate());
        fixture.Works.Set(name, async (job, token) =>
        {
            await job.ReportAsync($"copy: {name}, a quarter", 0.25);
            await half.Task.WaitAsync(token);
            await job.ReportAsync($"copy: {name}, three quarters", 0.75);
            await most.Task.WaitAsync(token);
            await job.ReportAsync($"copy: {name}, nearly there", 0.96);
            await end.Task.WaitAsync(token);
        });
        var row = Row(page, await MakeAsync(name));
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "inProgress", PagePatience.Attribute);
        var meter = row.GetByRole(AriaRole.Meter, new() { Name = "Progress" });
        await Assertions.Expect(meter).ToHaveAttributeAsync("aria-valuenow", "25", PagePatience.Attribute);
        await Assertions.Expect(row).ToContainTextAsync("a quarter", PagePatience.Text);
        half.SetResult();
        await Assertions.Expect(meter).ToHaveAttributeAsync("aria-valuenow", "75", PagePatience.Attribute);
        await Assertions.Expect(row).ToContainTextAsync("three quarters", PagePatience.Text);
        most.SetResult();
        await Assertions.Expect(meter).ToHaveAttributeAsync("aria-valuenow", "96", PagePatience.Attribute);
        end.SetResult();
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "completed", PagePatience.Attribute);
        await Assertions.Expect(meter).ToHaveCountAsync(0, PagePatience.Count);
    });

    [Fact(Timeout = 180_000)]
    public Task A_job_that_runs_is_cancelled_on_the_page() => fixture.UseAsync("#/jobs", async page =>
    {
        string name = Name("endless");
        fixture.Works.Set(name, (_, token) => Task.Delay(Timeout.Infinite, token));
        var id = await MakeAsync(name);
        var row = Row(page, id);
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "inProgress", PagePatience.Attribute);
        await row.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "cancelled", PagePatience.Attribute);
        Assert.Equal(JobState.Cancelled, (await fixture.Jobs.WaitAsync(id, Token)).State);
        await Assertions.Expect(row.GetByRole(AriaRole.Button, new() { Name = "Cancel" })).ToHaveCountAsync(0, PagePatience.Count);
    });

    [Fact(Timeout = 180_000)]
    public Task Filters_find_what_is_not_among_the_newest_and_pages_lead_through_all_jobs() => fixture.UseAsync("#/", async page =>
    {
        var (rare, many) = (Name("rare"), Name("many"));
        var cancelled = await MakeAsync(rare, new JobOptions { Delay = TimeSpan.FromHours(1), Progress = $"resize: {rare}" });
        Assert.True(await fixture.Jobs.CancelAsync(cancelled, Token));
        var made = await fixture.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, PageJobs + 10).Select(_ => new LabWork(many))], new JobOptions { Progress = $"start: {many}" }, Token);
        foreach (var job in made)
            await fixture.Jobs.WaitAsync(job.Id, Token);
        var ids = made.Select(job => job.Id).OrderBy(id => id.ToString(), StringComparer.Ordinal).ToList();

        await page.GoAsync("#/jobs");
        var rows = page.Page.Locator("tr[data-job]");
        await Assertions.Expect(rows).ToHaveCountAsync(PageJobs, PagePatience.Count);
        await Assertions.Expect(Row(page, cancelled)).ToHaveCountAsync(0, PagePatience.Count);
        await page.PictureAsync("jobs-page-1400");

        // By its state.
        var state = page.Page.GetByLabel("State", new() { Exact = true });
        await state.SelectOptionAsync("cancelled");
        await Assertions.Expect(Row(page, cancelled)).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(page.Page.Locator("tr[data-job]:not([data-state='cancelled'])")).ToHaveCountAsync(0, PagePatience.Count);
        await state.SelectOptionAsync("completed");
        await Assertions.Expect(Row(page, cancelled)).ToHaveCountAsync(0, PagePatience.Count);
        await Assertions.Expect(Row(page, ids[^1])).ToBeVisibleAsync(PagePatience.Visible);

        // By words, in any state, and by type.
        await state.SelectOptionAsync("");
        var words = page.Page.GetByLabel("Filter jobs");
        await words.FillAsync(rare.ToUpperInvariant());
        await Assertions.Expect(rows).ToHaveCountAsync(1, PagePatience.Count);
        await Assertions.Expect(Row(page, cancelled)).ToBeVisibleAsync(PagePatience.Visible);
        await words.FillAsync("nobody has said this");
        await Assertions.Expect(page.Page.GetByText("No such jobs")).ToBeVisibleAsync(PagePatience.Visible);
        await page.Page.GetByLabel("Type", new() { Exact = true }).SelectOptionAsync("lab");

        // Through the pages, and back.
        await words.FillAsync(many);
        await Assertions.Expect(Row(page, ids[^1])).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(rows).ToHaveCountAsync(PageJobs, PagePatience.Count);
        await page.Button("Older").ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(10, PagePatience.Count);
        await Assertions.Expect(Row(page, ids[0])).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(page.Button("Older")).ToBeDisabledAsync();
        await page.Button("Newer").ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(PageJobs, PagePatience.Count);
        await Assertions.Expect(Row(page, ids[^1])).ToBeVisibleAsync(PagePatience.Visible);
    });

    [Fact(Timeout = 180_000)]
    public Task The_jobs_of_one_machine_have_an_address() => fixture.UseAsync("#/", async page =>
    {
        string machine = Name("web");
        var later = new JobOptions { Delay = TimeSpan.FromHours(1), Progress = $"start: {machine}" };
        var one = await MakeAsync(machine, later);
        var other = await MakeAsync(machine, new JobOptions { Delay = TimeSpan.FromHours(1), Progress = $"start: {machine}2" });
        var mentioned = await MakeAsync(machine, new JobOptions { Delay = TimeSpan.FromHours(1), Progress = $"clone: other, from {machine}" });
        await page.GoAsync($"#/jobs/{machine}");
        await Assertions.Expect(Row(page, one)).ToContainTextAsync("Not before", PagePatience.Text);
        await Assertions.Expect(page.Page.Locator("tr[data-job]")).ToHaveCountAsync(1, PagePatience.Count);
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "All machines" }).ClickAsync();
        foreach (var id in new[] { one, other, mentioned })
            await Assertions.Expect(Row(page, id)).ToBeVisibleAsync(PagePatience.Visible);
        foreach (var id in new[] { one, other, mentioned })
            await fixture.Jobs.CancelAsync(id, Token);
    });

    [Fact(Timeout = 180_000)]
    public Task A_lane_shows_who_holds_it_and_who_waits_and_a_job_why_it_waits() => fixture.UseAsync("#/jobs", async page =>
    {
        var (holder, waiter) = (Name("holds"), Name("waits"));
        var (begun, end) = (Gate(), Gate());
        fixture.Works.Set(holder, (_, token) =>
        {
            begun.TrySetResult();
            return end.Task.WaitAsync(token);
        });
        string key = $"lab/instance:{holder}";
        var lanes = new JobOptions { Lanes = [new LaneClaim { Key = LaneKey.Parse(key), Mode = LaneMode.Exclusive }], Progress = $"stop: {holder}" };
        var first = await MakeAsync(holder, lanes);
        await begun.Task.WaitAsync(Token);
        var second = await MakeAsync(waiter, new JobOptions { Lanes = lanes.Lanes, Progress = $"start: {waiter}" });

        var lane = page.Page.Locator($"tr[data-lane='{key}']");
        await Assertions.Expect(lane).ToHaveAttributeAsync("data-holder", first.ToString(), PagePatience.Attribute);
        await Assertions.Expect(lane).ToContainTextAsync($"stop: {holder}", PagePatience.Text);
        await Assertions.Expect(lane.Locator($"[data-waits='{second}']")).ToContainTextAsync($"start: {waiter}", PagePatience.Text);
        var row = Row(page, second);
        await Assertions.Expect(row).ToContainTextAsync($"Waits for lane '{key}'", PagePatience.Text);
        await row.GetByRole(AriaRole.Button, new() { Name = "Details" }).ClickAsync();
        await Assertions.Expect(Details(page, second).Locator("[data-part='waits']")).ToContainTextAsync($"Before it: stop: {holder}", PagePatience.Text);
        await page.PictureAsync("jobs-lane-1400");
        end.SetResult();
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "completed", PagePatience.Attribute);
        await Assertions.Expect(lane).ToHaveCountAsync(0, PagePatience.Count);
        await Assertions.Expect(Details(page, second).Locator("[data-part='waits']")).ToHaveCountAsync(0, PagePatience.Count);
    });

    [Fact(Timeout = 180_000)]
    public Task A_schedule_shows_what_comes_or_why_it_cannot_be_fired() => fixture.UseAsync("#/", async page =>
    {
        await fixture.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly-lab", Cron = "30 2 * * *" }, new LabWork("nightly"), Token);
        var lost = new JobSchedule { Name = "lost-lab", Cron = "0 4 * * *", Zone = "Mars/Olympus", NextAt = DateTimeOffset.UtcNow.AddYears(1) };
        Assert.True(await fixture.Host.Store.PutScheduleAsync(new StoredSchedule { Schedule = lost, Type = "lab", Args = """{"Name":"lost"}""" }, Token));
        await page.GoAsync("#/jobs");
        var nightly = page.Page.Locator("tr[data-schedule='nightly-lab']");
        await Assertions.Expect(nightly).ToContainTextAsync("30 2 * * *", PagePatience.Text);
        await Assertions.Expect(nightly.Locator("time")).ToHaveCountAsync(5, PagePatience.Count);
        string[] times = await nightly.Locator("time").EvaluateAllAsync<string[]>("all => all.map(one => one.getAttribute('datetime'))");
        var moments = times.Select(time => DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.All(moments, moment => Assert.Equal((2, 30), (moment.UtcDateTime.Hour, moment.UtcDateTime.Minute)));
        Assert.All(moments.Zip(moments.Skip(1)), pair => Assert.Equal(TimeSpan.FromDays(1), pair.Second - pair.First));
        var broken = page.Page.Locator("tr[data-schedule='lost-lab']");
        await Assertions.Expect(broken).ToContainTextAsync("There is no time zone 'Mars/Olympus'", PagePatience.Text);
        await Assertions.Expect(broken.Locator("time")).ToHaveCountAsync(0, PagePatience.Count);
        await page.PictureAsync("jobs-clock-1400");
    });

    [Fact(Timeout = 180_000)]
    public Task A_job_that_failed_says_why_with_its_attempts_and_lines_and_is_run_again() => fixture.UseAsync("#/jobs", async page =>
    {
        string name = Name("breaks");
        fixture.Works.Set(name, async (job, _) =>
        {
            await job.LogAsync($"line of attempt {job.Attempt}");
            if (job.Attempt == 1)
                throw new HypervisorException($"The pool of {name} is full.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        });
        var id = await MakeAsync(name);
        var row = Row(page, id);
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "failed", PagePatience.Attribute);
        await Assertions.Expect(row).ToContainTextAsync($"The pool of {name} is full.", PagePatience.Text);
        await row.GetByRole(AriaRole.Button, new() { Name = "Details" }).ClickAsync();
        var details = Details(page, id);
        await Assertions.Expect(details.Locator("[data-part='error']")).ToContainTextAsync($"The pool of {name} is full.", PagePatience.Text);
        await Assertions.Expect(details.Locator("tr[data-attempt='1']")).ToContainTextAsync(new Regex($"failed.*The pool of {name} is full\\."), PagePatience.Text);
        await Assertions.Expect(details.GetByRole(AriaRole.List, new() { Name = "Log" })).ToContainTextAsync("line of attempt 1", PagePatience.Text);
        await page.PictureAsync("jobs-failed-1400");

        await row.GetByRole(AriaRole.Button, new() { Name = "Retry" }).ClickAsync();
        await Assertions.Expect(row).ToHaveAttributeAsync("data-state", "completed", PagePatience.Attribute);
        await Assertions.Expect(details.Locator("tr[data-attempt='2']")).ToContainTextAsync("completed", PagePatience.Text);
        await Assertions.Expect(details.GetByRole(AriaRole.List, new() { Name = "Log" })).ToContainTextAsync("line of attempt 2", PagePatience.Text);
        await row.GetByRole(AriaRole.Button, new() { Name = "Details" }).ClickAsync();
        await Assertions.Expect(details).ToHaveCountAsync(0, PagePatience.Count);
    });

    [Fact(Timeout = 180_000)]
    public Task A_dead_letter_is_discarded() => fixture.UseAsync("#/jobs", async page =>
    {
        string name = Name("dead");
        fixture.Works.Set(name, (_, _) => throw new HypervisorException("It is of no use.", ErrorCode.InvalidState, RequestOutcome.Rejected));
        var id = await MakeAsync(name);
        await page.Page.GetByLabel("State", new() { Exact = true }).SelectOptionAsync("failed");
        var row = Row(page, id);
        await Assertions.Expect(row).ToContainTextAsync("It is of no use.", PagePatience.Text);
        await row.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(row).ToHaveCountAsync(0, PagePatience.Count);
        Assert.Null(await fixture.Jobs.GetAsync(id, Token));
    });

    private static string Name(string what) => $"{what}-{Guid.NewGuid().ToString("N")[..6]}";

    private static TaskCompletionSource Gate() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static ILocator Row(WatchedPage page, JobId id) => page.Page.Locator($"tr[data-job='{id}']");

    private static ILocator Details(WatchedPage page, JobId id) => page.Page.Locator($"tr[data-details='{id}']");

    private async Task<JobId> MakeAsync(string name, JobOptions? options = null) => (await fixture.Jobs.EnqueueAsync(new LabWork(name), options, Token)).Id;
}
