using System.Collections.Specialized;
using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using Quartz;
using Quartz.Impl;
using Quartz.Simpl;
using Quartz.Spi;

namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>What Quartz.NET does with the same server: one durable job, and a trigger for each time that it is to run. It keeps nothing of what has run.</summary>
internal static class QuartzPeer
{
    // The names and kinds of columns that its PostgreSQL delegate reads and writes.
    private const string Tables = """
        CREATE TABLE qrtz_job_details (sched_name text, job_name text, job_group text, description text, job_class_name text, is_durable bool, is_nonconcurrent bool, is_update_data bool, requests_recovery bool,
            job_data bytea, PRIMARY KEY (sched_name, job_name, job_group));
        CREATE TABLE qrtz_triggers (sched_name text, trigger_name text, trigger_group text, job_name text, job_group text, description text, next_fire_time bigint, prev_fire_time bigint, priority int,
            trigger_state text, trigger_type text, start_time bigint, end_time bigint, calendar_name text, misfire_instr smallint, misfire_orig_fire_time bigint, execution_group text, job_data bytea,
            PRIMARY KEY (sched_name, trigger_name, trigger_group), FOREIGN KEY (sched_name, job_name, job_group) REFERENCES qrtz_job_details);
        CREATE INDEX qrtz_triggers_job ON qrtz_triggers (sched_name, job_name, job_group);
        CREATE INDEX qrtz_triggers_next ON qrtz_triggers (sched_name, trigger_state, next_fire_time);
        CREATE TABLE qrtz_simple_triggers (sched_name text, trigger_name text, trigger_group text, repeat_count bigint, repeat_interval bigint, times_triggered bigint,
            PRIMARY KEY (sched_name, trigger_name, trigger_group), FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers ON DELETE CASCADE);
        CREATE TABLE qrtz_simprop_triggers (sched_name text, trigger_name text, trigger_group text, PRIMARY KEY (sched_name, trigger_name, trigger_group));
        CREATE TABLE qrtz_cron_triggers (sched_name text, trigger_name text, trigger_group text, cron_expression text, time_zone_id text, PRIMARY KEY (sched_name, trigger_name, trigger_group));
        CREATE TABLE qrtz_blob_triggers (sched_name text, trigger_name text, trigger_group text, blob_data bytea, PRIMARY KEY (sched_name, trigger_name, trigger_group));
        CREATE TABLE qrtz_calendars (sched_name text, calendar_name text, calendar bytea, PRIMARY KEY (sched_name, calendar_name));
        CREATE TABLE qrtz_paused_trigger_grps (sched_name text, trigger_group text, PRIMARY KEY (sched_name, trigger_group));
        CREATE TABLE qrtz_fired_triggers (sched_name text, entry_id text, trigger_name text, trigger_group text, instance_name text, fired_time bigint, sched_time bigint, priority int, execution_group text, state text,
            job_name text, job_group text, is_nonconcurrent bool, requests_recovery bool, PRIMARY KEY (sched_name, entry_id));
        CREATE INDEX qrtz_fired_instance ON qrtz_fired_triggers (sched_name, instance_name);
        CREATE INDEX qrtz_fired_job ON qrtz_fired_triggers (sched_name, job_name, job_group);
        CREATE TABLE qrtz_scheduler_state (sched_name text, instance_name text, last_checkin_time bigint, checkin_interval bigint, PRIMARY KEY (sched_name, instance_name));
        CREATE TABLE qrtz_locks (sched_name text, lock_name text, PRIMARY KEY (sched_name, lock_name));
        """;

    private static readonly Tally s_done = new();

    public static async Task<(double Both, double Enqueue, double BurnDown)> MeasureAsync(string connectionString, int jobs, int producers, int places)
    {
        await using (var source = NpgsqlDataSource.Create(connectionString))
        {
            await using var tables = source.CreateCommand(Tables);
            await tables.ExecuteNonQueryAsync();
        }

        var factory = new StdSchedulerFactory(new NameValueCollection
        {
            ["quartz.scheduler.instanceName"] = "bench",
            ["quartz.scheduler.batchTriggerAcquisitionMaxCount"] = $"{places}",
            ["quartz.threadPool.maxConcurrency"] = $"{places}",
            ["quartz.jobStore.type"] = "Quartz.Impl.AdoJobStore.JobStoreTX, Quartz",
            ["quartz.jobStore.driverDelegateType"] = "Quartz.Impl.AdoJobStore.PostgreSQLDelegate, Quartz",
            ["quartz.jobStore.dataSource"] = "it",
            ["quartz.jobStore.acquireTriggersWithinLock"] = "true",
            ["quartz.jobStore.misfireThreshold"] = "3600000",
            ["quartz.jobStore.useProperties"] = "true",
            ["quartz.dataSource.it.provider"] = "Npgsql",
            ["quartz.dataSource.it.connectionString"] = connectionString,
            ["quartz.serializer.type"] = typeof(Texts).AssemblyQualifiedName,
        });
        var scheduler = await factory.GetScheduler();
        await scheduler.AddJob(JobBuilder.Create<NoOpJob>().WithIdentity("noop").StoreDurably().Build(), replace: false);
        var clock = Stopwatch.StartNew();
        await MakeAsync();
        double enqueue = jobs / clock.Elapsed.TotalSeconds;
        clock.Restart();
        await scheduler.Start();
        await EndAsync(jobs);
        double burnDown = jobs / clock.Elapsed.TotalSeconds;
        clock.Restart();
        await MakeAsync();
        await EndAsync(2 * jobs);
        double both = jobs / clock.Elapsed.TotalSeconds;
        await scheduler.Shutdown(waitForJobsToComplete: true);
        return (both, enqueue, burnDown);

        async Task MakeAsync()
        {
            int left = jobs;
            await Task.WhenAll(Enumerable.Range(0, producers).Select(async _ =>
            {
                while (Interlocked.Decrement(ref left) >= 0)
                    await scheduler.ScheduleJob(TriggerBuilder.Create().ForJob("noop").StartNow().Build());
            }));
        }

        // Until their ends are stored too.
        async Task EndAsync(int wanted)
        {
            await s_done.ReachAsync(wanted);
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var count = source.CreateCommand("SELECT (SELECT count(*) FROM qrtz_triggers) + (SELECT count(*) FROM qrtz_fired_triggers)");
            while ((long)(await count.ExecuteScalarAsync())! > 0)
                await Task.Delay(1);
        }
    }

    private sealed class NoOpJob : IJob
    {
        public Task Execute(IJobExecutionContext context)
        {
            s_done.Add();
            return Task.CompletedTask;
        }
    }

    // Jobs without data: what is kept of them is an empty table of texts.
    private sealed class Texts : IObjectSerializer
    {
        public void Initialize()
        {
        }

        public byte[] Serialize<T>(T obj)
            where T : class => JsonSerializer.SerializeToUtf8Bytes(obj is NameValueCollection texts ? texts.AllKeys.ToDictionary(key => key!, key => texts[key]) : []);

        public T? DeSerialize<T>(byte[] data)
            where T : class
        {
            var texts = new NameValueCollection();
            foreach (var (key, value) in JsonSerializer.Deserialize<Dictionary<string, string?>>(data)!)
                texts[key] = value;
            return (T)(object)texts;
        }
    }
}
