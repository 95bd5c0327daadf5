// What two well-known job queues over PostgreSQL do with the same server: peers.mjs DIRECTORY JOBS prints a line of JSON for each.
import PgBoss from 'pg-boss';
import pg from 'pg';
import { makeWorkerUtils, run, Logger } from 'graphile-worker';

const [directory, count] = process.argv.slice(2);
const jobs = Number(count);
const producers = 16;
const settings = { host: directory, user: 'hvsdk', database: 'postgres', max: 20 };
const perSecond = since => jobs / ((performance.now() - since) / 1000);

// One job a call, by sixteen callers.
async function make(send) {
  let left = jobs;
  await Promise.all(Array.from({ length: producers }, async () => {
    while (left-- > 0)
      await send();
  }));
}

// pg-boss: jobs are fetched and completed by the hundred, as its guide says for many small ones; four fetchers.
async function boss() {
  const one = new PgBoss({ ...settings, supervise: false, schedule: false });
  one.on('error', error => { throw error; });
  await one.start();
  await one.createQueue('noop');
  const queue = { done: 0 };
  const fetcher = async wanted => {
    while (queue.done < wanted) {
      const found = await one.fetch('noop', { batchSize: 100 });
      if (found.length === 0) {
        await new Promise(resolve => setTimeout(resolve, 1));
        continue;
      }
      await one.complete('noop', found.map(job => job.id));
      queue.done += found.length;
    }
  };
  const burn = wanted => Promise.all(Array.from({ length: 4 }, () => fetcher(wanted)));
  let since = performance.now();
  await make(() => one.send('noop', {}));
  const enqueue = perSecond(since);
  since = performance.now();
  await burn(jobs);
  const burnDown = perSecond(since);
  since = performance.now();
  await Promise.all([make(() => one.send('noop', {})), burn(2 * jobs)]);
  const both = perSecond(since);
  await one.stop({ graceful: false });
  console.log(JSON.stringify({ name: 'pg-boss 10.4.2, by the hundred', enqueue, burnDown, both }));
}

// graphile-worker: ten places, as many as its pool is made for; jobs are taken one by one, or 500 at a time into its local queue and completed in batches, as its guide says for many small ones.
async function graphile(name, worker, schema) {
  const pgPool = new pg.Pool(settings);
  pgPool.on('error', error => { throw error; });
  pgPool.on('connect', client => client.on('error', error => { throw error; }));
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ pgPool, logger, schema });
  await utils.migrate();
  let done = 0;
  const until = async wanted => {
    while (done < wanted)
      await new Promise(resolve => setTimeout(resolve, 1));
    while ((await pgPool.query(`SELECT count(*)::int AS n FROM ${schema}._private_jobs`)).rows[0].n > 0)
      await new Promise(resolve => setTimeout(resolve, 1));
  };
  // Bulk, and not measured: only what is to be burnt down.
  const fill = async () => {
    for (let made = 0; made < jobs; made += 1000)
      await utils.addJobs(Array.from({ length: Math.min(1000, jobs - made) }, () => ({ identifier: 'noop', payload: {} })));
  };
  const start = () => run({ pgPool, logger, schema, concurrency: 10, noHandleSignals: true, preset: { worker }, taskList: { noop: async () => { done++; } } });
  let since = performance.now();
  await make(() => utils.addJob('noop', {}));
  const enqueue = perSecond(since);
  // The median of three: one round is over in a third of a second.
  const burns = [];
  let runner;
  for (let round = 1; round <= 3; round++) {
    if (round > 1) {
      await runner.stop();
      await fill();
    }
    since = performance.now();
    runner = await start();
    await until(round * jobs);
    burns.push(perSecond(since));
  }
  const burnDown = burns.sort((a, b) => a - b)[1];
  since = performance.now();
  await make(() => utils.addJob('noop', {}));
  await until(4 * jobs);
  const both = perSecond(since);
  await runner.stop();
  await utils.release();
  await pgPool.end();
  console.log(JSON.stringify({ name, enqueue, burnDown, both }));
}

await boss();
await graphile('graphile-worker 0.18.0, one by one', {}, 'graphile_single');
await graphile('graphile-worker 0.18.0, local queue', { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }, 'graphile_local');
process.exit(0);
