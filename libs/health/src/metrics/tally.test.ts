import * as fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { CountTally, TimeTally } from './tally.js';

const BOUNDS = [0.001, 0.002, 0.5];
const labelValue = fc.constantFrom('a', 'b', 'with "quotes"', '');

/** The lines of an exposition, in any order. */
async function linesOf(register: Registry): Promise<string[]> {
  return (await register.metrics()).split('\n').toSorted();
}

describe('tallies', () => {
  it('are exposed as prom-client exposes its own', async () => {
    const observations = fc.array(
      fc.record({
        outcome: labelValue,
        form: labelValue,
        seconds: fc.oneof(fc.constantFrom(...BOUNDS), fc.double({ min: 0, max: 1, noNaN: true })),
      }),
    );
    await fc.assert(
      fc.asyncProperty(observations, async (made) => {
        const [ours, theirs] = [new Registry(), new Registry()];
        const count = new CountTally('answers_total', 'Answers', ['outcome', 'form']);
        const times = new TimeTally('answer_seconds', 'Time', ['form'], BOUNDS);
        ours.registerMetric(count.asMetric());
        ours.registerMetric(times.asMetric());
        const labelNames = ['outcome', 'form'] as const;
        const counter = new Counter({ name: 'answers_total', help: 'Answers', labelNames, registers: [theirs] });
        const histogram = new Histogram({
          name: 'answer_seconds',
          help: 'Time',
          labelNames: ['form'],
          buckets: BOUNDS,
          registers: [theirs],
        });
        for (const { outcome, form, seconds } of made) {
          count.add(outcome, form);
          times.observe(seconds, form);
          counter.inc({ outcome, form });
          histogram.observe({ form }, seconds);
        }
        expect(await linesOf(ours)).toEqual(await linesOf(theirs));
      }),
    );
  });

  it('begin anew when they are reset', async () => {
    const register = new Registry();
    register.setDefaultLabels({ service: 'sample' });
    const count = new CountTally('answers_total', 'Answers', ['form']);
    register.registerMetric(count.asMetric());
    count.add('json');
    register.resetMetrics();
    count.add('json');
    expect(await register.metrics()).toContain('answers_total{form="json",service="sample"} 1');
  });
});
