// What two well-known job queues over PostgreSQL do with the same server: peers.mjs DIRECTORY JOBS prints a line of JSON for each.
import PgBoss from 'pg-boss';
import pg from 'pg';
import { makeWorkerUtils, run, Logger } from 'graphile-worker';

const [directory, count] = process.argv.slice(2);
const jobs = Number(count);
// Of calls one by one; what they do a second does not depend on how many there are.
const calls = jobs / 4;
const rounds = 3;
const producers = 16;
const settings = { host: directory, user: 'hvsdk', database: 'postgres', max: 20 };
const perSecond = (some, since) => some / ((performance.now() - since) / 1000);
const middle = values => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

// One job a call, by sixteen callers.
async function make(send) {
  let left = calls;
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
  const enqueue = perSecond(calls, since);
  await burn(calls);
  const burns = [];
  for (let round = 1; round <= rounds; round++) {
    // Bulk, and not measured.
    for (let made = 0; made < jobs; made += 1000)
      await one.insert(Array.from({ length: Math.min(1000, jobs - made) }, () => ({ name: 'noop', data: {} })));
    since = performance.now();
    await burn(calls + round * jobs);
    burns.push(perSecond(jobs, since));
  }
  since = performance.now();
  await Promise.all([make(() => one.send('noop', {})), burn(2 * calls + rounds * jobs)]);
  const both = perSecond(calls, since);
  await one.stop({ graceful: false });
  console.log(JSON.stringify({ name: 'pg-boss 10.4.2, by the hundred', enqueue, burnDown: middle(burns), both }));
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
  const enqueue = perSecond(calls, since);
  let runner = await start();
  await until(calls);
  // The worker begins with a full queue each time: from its start until the last end is durable.
  const burns = [];
  for (let round = 1; round <= rounds; round++) {
    await runner.stop();
    await fill();
    since = performance.now();
    runner = await start();
    await until(calls + round * jobs);
    burns.push(perSecond(jobs, since));
  }
  since = performance.now();
  await make(() => utils.addJob('noop', {}));
  await until(2 * calls + rounds * jobs);
  const both = perSecond(calls, since);
  await runner.stop();
  await utils.release();
  await pgPool.end();
  console.log(JSON.stringify({ name, enqueue, burnDown: middle(burns), both }));
}

await boss();
await graphile('graphile-worker 0.18.0, one by one', {}, 'graphile_single');
await graphile('graphile-worker 0.18.0, local queue', { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }, 'graphile_local');
process.exit(0);
