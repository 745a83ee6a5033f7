import { pino } from 'pino';
import { RequestLogger } from './request-logger.js';

describe('a request’s logger', () => {
  const lines: string[] = [];
  const parent = pino({ level: 'info', redact: ['token'] }, { write: (line) => void lines.push(line) });
  const made = jest.spyOn(parent, 'child');

  beforeEach(() => {
    lines.length = 0;
    made.mockClear();
  });

  test('costs no child for what is not written', () => {
    const logger = new RequestLogger(parent, { request_id: 'r1' }, {});
    logger.debug({ a: 1 }, 'not at this level');
    logger.trace('nor this');
    expect(made).not.toHaveBeenCalled();
    expect(lines).toEqual([]);
  });

  test('writes its bindings with every line, redacted like the parent’s, from one child', () => {
    const logger = new RequestLogger(parent, { request_id: 'r1', token: 'secret' }, {});
    for (const level of ['info', 'warn', 'error', 'fatal'] as const) logger[level]({ n: 1 }, 'said %s', level);
    expect(made).toHaveBeenCalledTimes(1);
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(
      ['info', 'warn', 'error', 'fatal'].map((level) =>
        expect.objectContaining({ request_id: 'r1', token: '[Redacted]', n: 1, msg: `said ${level}` }),
      ),
    );
  });
});
