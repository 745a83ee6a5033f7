import { spanOf } from './savings-request.js';

const NOW = new Date('2026-06-15T12:00:00.007Z');

describe('the span that is asked for', () => {
  it('is the last thirty days by default, with what was booked a moment ago', () => {
    expect(spanOf({}, NOW)).toEqual({
      from: new Date('2026-05-16T00:00:00Z'),
      to: new Date('2026-06-15T12:00:00.008Z'),
    });
  });

  it('ends with the whole of its last day, or before its last moment', () => {
    expect(spanOf({ from: '2026-06-01', to: '2026-06-02' }, NOW).to).toEqual(new Date('2026-06-03T00:00:00Z'));
    expect(spanOf({ from: '2026-06-01', to: '2026-06-02T00:00:00Z' }, NOW).to).toEqual(
      new Date('2026-06-02T00:00:00Z'),
    );
  });
});
