// graphile-worker through its own worker and utilities. See ../jobqueue.py for the commands every driver answers.
const { run, makeWorkerUtils, Logger } = require("graphile-worker");

const [connectionString, command, ...rest] = process.argv.slice(2);
const numbers = rest.map(Number);
const quiet = new Logger(() => () => {});
const payload = JSON.parse(process.env.BENCH_PAYLOAD || "{}");

const commands = {
  async setup(utils) {
    await utils.migrate();
  },
  async clear(utils) {
    await utils.withPgClient((client) => client.query("truncate graphile_worker._private_jobs"));
  },
  // add_jobs, a thousand at a time
  async enqueue(utils, count, batch) {
    const started = Date.now();
    for (let done = 0; done < count; done += batch) {
      if (batch === 1) await utils.addJob("noop", payload);
      else await utils.addJobs(Array.from({ length: batch }, () => ({ identifier: "noop", payload })));
    }
    return { seconds: (Date.now() - started) / 1000, jobs: count };
  },
  // A worker of its own with the queue in memory for batches, as its documentation recommends for throughput.
  async work(_utils, count, batch, clients) {
    let left = count, finish;
    const finished = new Promise((resolve) => (finish = resolve));
    const worker = { connectionString, concurrentJobs: batch > 1 ? batch * clients : clients, pollInterval: 1000, maxPoolSize: clients + 2 };
    if (batch > 1) Object.assign(worker, { localQueue: { size: batch * clients }, completeJobBatchDelay: 0, failJobBatchDelay: 0 });
    const started = Date.now();
    const runner = await run({ preset: { worker }, noHandleSignals: true, logger: quiet, taskList: { noop: async () => { if (--left === 0) finish(); } } });
    await finished;
    const seconds = (Date.now() - started) / 1000;
    await runner.stop();
    return { seconds, jobs: count };
  },
  async pickup(utils, count, pause) {
    const waits = [];
    const worker = { connectionString, concurrentJobs: 4, pollInterval: 2000, maxPoolSize: 6 };
    const runner = await run({ preset: { worker }, noHandleSignals: true, logger: quiet, taskList: { ping: async ({ at }) => { waits.push(Date.now() - at); } } });
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (let number = 0; number < count; number++) {
      await utils.addJob("ping", { at: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await runner.stop();
    return { waits };
  },
};

(async () => {
  const utils = await makeWorkerUtils({ connectionString, logger: quiet });
  const answer = await commands[command](utils, ...numbers);
  await utils.release();
  console.log(JSON.stringify(answer || {}));
  process.exit(0);
})();
