import { inspect } from 'node:util';
import { DatabaseUnavailableError } from '../errors.js';
import { summary, unavailability } from './faults.js';

const withCode = (code: string, message = 'what the server says'): Error => Object.assign(new Error(message), { code });

describe('unavailability', () => {
  it.each([
    ['ECONNREFUSED', 'connection_lost', false],
    ['ECONNRESET', 'connection_lost', false],
    ['57P01', 'connection_lost', false],
    ['57P03', 'connection_lost', false],
    ['08006', 'connection_lost', false],
    ['57014', 'deadline', false],
    ['53300', 'pool_exhausted', true],
  ])('%s means %s', (code, reason, nothingSent) => {
    expect(unavailability(withCode(code))).toMatchObject({ code: 'database_unavailable', reason, nothingSent });
  });

  it.each(['23505', '42P01', '40001', '22021', ''])('leaves %j to whoever sent the statement', (code) => {
    expect(unavailability(withCode(code))).toBeNull();
  });

  it.each(['Connection terminated unexpectedly', 'Client was closed and is not queryable'])('knows "%s"', (message) => {
    expect(unavailability(new Error(message))?.reason).toBe('connection_lost');
  });

  it('leaves one of ours as it is, and takes anything for what it is', () => {
    const own = new DatabaseUnavailableError('deadline');
    expect(unavailability(own)).toBe(own);
    for (const thrown of [undefined, null, 'text', { code: 'ECONNREFUSED' }]) expect(unavailability(thrown)).toBeNull();
  });

  it('trap 30: does not carry the client that the pool hangs on its errors', () => {
    const error = Object.assign(withCode('ECONNRESET'), { client: { connectionString: 'postgres://u:hunter2@h' } });
    expect(inspect(unavailability(error), { depth: 9 })).not.toContain('hunter2');
  });
});

describe('summary', () => {
  it.each([
    [withCode('ECONNREFUSED', 'connect ECONNREFUSED ::1:5432'), 'connect ECONNREFUSED ::1:5432'],
    [withCode('28P01', 'no such password'), 'no such password (28P01)'],
    [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['text', 'an unknown error'],
  ])('of %p', (error, line) => {
    expect(summary(error)).toBe(line);
  });
});
