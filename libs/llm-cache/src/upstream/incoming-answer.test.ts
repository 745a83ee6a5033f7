import type { Dispatcher } from 'undici';
import { IncomingAnswer } from './incoming-answer.js';

/** What undici is told of a socket. */
class Socket implements Dispatcher.DispatchController {
  paused = false;
  aborted = false;
  reason: Error | null = null;
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
  }
}

const REASON = new Error('given up');

function begun(): { answer: IncomingAnswer; socket: Socket; says: (text: string) => void } {
  const socket = new Socket();
  const answer = new IncomingAnswer();
  answer.onRequestStart(socket);
  answer.onResponseStart(socket, 200, { 'content-type': 'text/plain' });
  return { answer, socket, says: (text) => answer.onResponseData(socket, Buffer.from(text)) };
}

async function textOf(answer: IncomingAnswer): Promise<string> {
  const { value } = await answer.next();
  return value === undefined ? 'over' : value.toString();
}

describe('an answer that comes in', () => {
  it('has its head once what comes before it has passed, and ends with its last byte', async () => {
    const socket = new Socket();
    const answer = new IncomingAnswer();
    answer.onRequestStart(socket);
    answer.onResponseStart(socket, 103, { link: '</a>' });
    answer.onResponseStart(socket, 201, { 'x-a': '1' });
    expect(await answer.head).toEqual({ status: 201, headers: { 'x-a': '1' } });
    const first = textOf(answer);
    answer.onResponseData(socket, Buffer.from('a'));
    answer.onResponseEnd();
    expect(await first).toBe('a');
    expect(await textOf(answer)).toBe('over');
    answer.abort(REASON);
    expect(await textOf(answer)).toBe('over');
    expect(socket.aborted).toBe(false);
  });

  it('gives in one piece what came while nobody read', async () => {
    const { answer, says } = begun();
    says('a');
    says('b');
    expect(await textOf(answer)).toBe('ab');
    says('c');
    expect(await textOf(answer)).toBe('c');
  });

  it('ends for a reader who waits', async () => {
    const { answer } = begun();
    const waits = textOf(answer);
    answer.onResponseEnd();
    expect(await waits).toBe('over');
  });

  it('makes the provider wait for who reads slowly, until he reads on', async () => {
    const { answer, socket, says } = begun();
    const piece = 'x'.repeat(40 * 1024);
    says(piece);
    expect(socket.paused).toBe(false);
    says(piece);
    expect(socket.paused).toBe(true);
    expect((await textOf(answer)).length).toBe(2 * piece.length);
    expect(socket.paused).toBe(false);
  });

  it('is read to where it broke off, and then fails', async () => {
    const { answer, socket, says } = begun();
    says('half');
    answer.onResponseError(socket, REASON);
    expect(await textOf(answer)).toBe('half');
    await expect(answer.next()).rejects.toBe(REASON);
    await expect(answer.next()).rejects.toBe(REASON);
  });

  it('fails for a reader who waits, and for who waits for its head', async () => {
    const { answer, socket } = begun();
    const waits = answer.next();
    answer.onResponseError(socket, REASON);
    await expect(waits).rejects.toBe(REASON);
    const unborn = new IncomingAnswer();
    unborn.onResponseError(null, REASON);
    await expect(unborn.head).rejects.toBe(REASON);
  });

  it('that is given up drops what was not read, and closes its socket', async () => {
    const { answer, socket, says } = begun();
    says('unread');
    answer.abort(REASON);
    expect(socket.reason).toBe(REASON);
    // As undici does it.
    answer.onResponseError(socket, new Error('aborted'));
    says('late');
    await expect(answer.next()).rejects.toBe(REASON);
  });

  it('that is given up while it waits for a socket fails at once, and never begins', async () => {
    const answer = new IncomingAnswer();
    answer.abort(REASON);
    await expect(answer.head).rejects.toBe(REASON);
    const socket = new Socket();
    answer.onRequestStart(socket);
    expect(socket.reason).toBe(REASON);
  });

  it('closes its socket where the rest is not wanted', async () => {
    const { answer, socket, says } = begun();
    for await (const bytes of answerWith(answer, says)) expect(bytes.toString()).toBe('a');
    expect(socket.aborted).toBe(true);
  });
});

/** The first bytes of it. */
async function* answerWith(answer: IncomingAnswer, says: (text: string) => void): AsyncGenerator<Buffer> {
  says('a');
  for await (const bytes of answer) {
    yield bytes;
    break;
  }
}
