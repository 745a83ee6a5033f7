import { startFailure } from './start-failure.js';

class OursError extends Error {
  readonly code = 'listen_failed';
}

describe('startFailure', () => {
  it('tells errors that were written for it in their own words', () => {
    const text = startFailure('api', new OursError('PORT: port 3000 is in use'));
    expect(text).toBe('api could not start\nPORT: port 3000 is in use');
  });

  it('tells the stack of anything else: it is a defect', () => {
    expect(startFailure('api', new TypeError('x is not a function'))).toMatch(/TypeError: x is not a function\n\s+at /);
    const system = Object.assign(new Error('spawn ENOENT'), { code: 'ENOENT' });
    expect(startFailure('worker', system)).toMatch(/\n\s+at /);
    expect(startFailure('worker', 'a text')).toBe('worker could not start: a text');
  });
});
