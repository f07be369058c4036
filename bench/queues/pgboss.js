// pg-boss through its own fetch, complete, send, insert and work. See ../jobqueue.py for the commands.
const PgBoss = require("pg-boss");

const [connectionString, command, ...rest] = process.argv.slice(2);
const numbers = rest.map(Number);
const data = JSON.parse(process.env.BENCH_PAYLOAD || "{}");
const NAME = "bench";

const commands = {
  async setup(boss) {
    await boss.createQueue(NAME);
  },
  async clear(boss) {
    await boss.getDb().executeSql("truncate pgboss.job");
  },
  async enqueue(boss, count, batch) {
    const started = Date.now();
    for (let done = 0; done < count; done += batch) {
      if (batch === 1) await boss.send(NAME, data);
      else await boss.insert(Array.from({ length: batch }, () => ({ name: NAME, data })));
    }
    return { seconds: (Date.now() - started) / 1000, jobs: count };
  },
  async work(boss, count, batch, clients) {
    let left = count;
    const started = Date.now();
    const one = async () => {
      while (left > 0) {
        const jobs = await boss.fetch(NAME, { batchSize: Math.min(batch, left) });
        left -= jobs.length;
        if (!jobs.length) return;
        await boss.complete(NAME, jobs.map((job) => job.id));
      }
    };
    await Promise.all(Array.from({ length: clients }, one));
    return { seconds: (Date.now() - started) / 1000, jobs: count - Math.max(left, 0) };
  },
  async pickup(boss, count, pause) {
    const waits = [];
    await boss.work(NAME, { pollingIntervalSeconds: 0.5, batchSize: 100 }, async (jobs) => {
      for (const job of jobs) waits.push(Date.now() - job.data.at);
    });
    await new Promise((resolve) => setTimeout(resolve, 700));
    for (let number = 0; number < count; number++) {
      await boss.send(NAME, { at: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return { waits };
  },
};

(async () => {
  const boss = new PgBoss({ connectionString, max: 8, supervise: false, schedule: false });
  boss.on("error", () => {});
  await boss.start();
  const answer = await commands[command](boss, ...numbers);
  await boss.stop({ graceful: false });
  console.log(JSON.stringify(answer || {}));
  process.exit(0);
})();
