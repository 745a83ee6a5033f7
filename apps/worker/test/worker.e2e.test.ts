import request from 'supertest';
import { JobRunner } from '../src/jobs/job-runner.js';
import { testWorker, type TestWorker } from './test-worker.js';

describe('the worker', () => {
  let worker: TestWorker;

  beforeAll(async () => {
    worker = await testWorker();
  });

  afterAll(() => worker.close());

  it('serves probes and metrics, guarded like those of the API, and nothing else', async () => {
    const server = worker.app.getHttpServer();
    expect((await request(server).get('/health').expect(200)).body).toMatchObject({ status: 'healthy' });
    await request(server).get('/health/live').expect(200);
    await request(server).get('/health/ready').expect(200);
    await request(server).get('/health/redis').expect(200);
    await request(server).get('/metrics').expect(401);
    const { text } = await request(server).get('/metrics').set(worker.admin).expect(200);
    expect(text).toContain('worker_job_turns_total');
    await request(server).get('/v1/keys').set(worker.admin).expect(404);
    const { body } = await request(server).get('/health').set(worker.admin).expect(200);
    expect(body).toMatchObject({ service: 'worker', details: { jobs: { status: 'up' }, api_keys: { status: 'up' } } });
  });

  it('does each of its jobs', async () => {
    const runner = worker.app.get(JobRunner);
    expect(runner.jobs.map(({ name }) => name)).toEqual([
      'ledger.reconcile',
      'models.probe',
      'jobs.retention',
      'mcp.probe',
    ]);
    for (const job of runner.jobs) expect(await runner.turn(job)).toBe('done');
  });
});
