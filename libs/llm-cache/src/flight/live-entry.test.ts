import { LlmError } from '../protocol/llm-error.js';
import { decodeEntry, encodeEntry, type LiveEntry } from './live-entry.js';

function roundTrip(entry: LiveEntry): LiveEntry | null {
  const { kind, data } = encodeEntry(entry);
  return decodeEntry(kind, data);
}

const headers = { 'content-type': 'text/event-stream' };

describe('what a leader tells followers', () => {
  it.each([
    { kind: 'opening', opening: { kind: 'stream', status: 200, headers } },
    { kind: 'opening', opening: { kind: 'json', status: 201, headers, streamable: true } },
    { kind: 'opening', opening: { kind: 'json', status: 200, headers, streamable: false } },
    { kind: 'opening', opening: { kind: 'refused', status: 429, headers, body: Buffer.from([0, 255, 10]) } },
    { kind: 'opening', opening: { kind: 'again' } },
    { kind: 'body', body: Buffer.from('{"a":1}') },
    { kind: 'end', error: null, again: false },
    { kind: 'end', error: null, again: true },
  ] as LiveEntry[])('arrives as it was told: %j', (entry) => {
    expect(roundTrip(entry)).toEqual(entry);
  });

  it('keeps frames to the byte, with their cuts and their place', () => {
    const frames = [
      { raw: Buffer.from([0, 1, 2, 255]), afterMicros: 7, cut: { from: 1, length: 2 } },
      { raw: Buffer.from('data: x\n\n'), afterMicros: 0, cut: { from: 0, length: 0 } },
    ];
    expect(roundTrip({ kind: 'frames', first: 41, frames })).toEqual({ kind: 'frames', first: 41, frames });
  });

  it('keeps what an error means', () => {
    const error = new LlmError('ledger_unavailable', 'later', { retryAfterSeconds: 3 });
    for (const entry of [
      roundTrip({ kind: 'end', error, again: false }),
      roundTrip({ kind: 'opening', opening: { kind: 'failed', error } }),
    ]) {
      const told =
        entry?.kind === 'end'
          ? entry.error
          : entry?.kind === 'opening' && entry.opening.kind === 'failed'
            ? entry.opening.error
            : null;
      expect(told).toMatchObject({ code: 'ledger_unavailable', status: 503, message: 'later', retryAfterSeconds: 3 });
    }
    const strange = decodeEntry('end', Buffer.from('{"error":{"code":"of_tomorrow","message":"m"}}'));
    expect(strange).toMatchObject({ error: { code: 'upstream_died', message: 'm' } });
  });

  it.each([
    ['of_tomorrow', '{}'],
    ['opening', 'x'],
    ['opening', '{"kind":"stream"}'],
    ['opening', '{"kind":"of_tomorrow","status":200,"headers":{}}'],
    ['opening', '{"kind":"failed"}'],
    ['frames', 'abc'],
    ['frames', '0000no recording'],
    ['end', 'x'],
    ['end', '5'],
  ])('trap 10: does not read %s %s', (kind, data) => {
    expect(decodeEntry(kind, Buffer.from(data))).toBeNull();
  });
});
