import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import type { Refusal } from './broadcast.js';
import { DEFAULT_FLIGHT } from './flight-bounds.js';
import { encodeEntry } from './live-entry.js';
import type { LiveRead } from './live-transport.js';
import { DEFAULT_FOLLOWER, RemoteFlight } from './remote-flight.js';

const REFUSAL: Refusal = { kind: 'refused', status: 400, headers: {}, body: Buffer.from('{"error":{}}') };
const NOTHING: LiveRead = { entries: [], exists: false };
const TOLD: LiveRead = {
  entries: [{ position: 1, ...encodeEntry({ kind: 'opening', opening: REFUSAL }) }],
  exists: true,
};

/** Between two looks of the follower the leader tells this, and its lease ends. */
function followed(told: LiveRead): RemoteFlight {
  let ended = false;
  const transport = {
    announce: () => Promise.resolve(true),
    onWake: () => Promise.resolve(() => undefined),
    read: () => Promise.resolve(ended ? told : NOTHING),
  };
  const following = {
    token: 'leader.1',
    leader: 'leader',
    protocol: CHAT_COMPLETIONS,
    facts: CHAT_COMPLETIONS.readRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }] }),
    stillLed: () => {
      ended = true;
      return Promise.resolve(false);
    },
  };
  return new RemoteFlight(following, transport, 'here', DEFAULT_FLIGHT, DEFAULT_FOLLOWER, (error) => {
    throw error;
  });
}

describe('a flight that another process leads', () => {
  it('is heard to its end when it ends between a look at what it says and a look at its lease', async () => {
    const flight = followed(TOLD);
    expect(await flight.board('whole')?.whole).toEqual(REFUSAL);
    await flight.done;
  });

  it('has nothing to give when its lease ends without a word', async () => {
    const flight = followed(NOTHING);
    expect(await flight.board('whole')?.whole).toEqual({ kind: 'again' });
    await flight.done;
  });
});
