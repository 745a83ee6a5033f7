import { EventEmitter } from 'node:events';
import type { LinkState } from '@promptsales/cache-core';
import { logLinks } from './link-log.js';

class Link extends EventEmitter<{ state: [state: LinkState, reason: string] }> {
  constructor(readonly name: string) {
    super();
  }
}

describe('the log of the links to Redis', () => {
  const names = ['sessions', 'llm', 'cache'];
  let links: Link[];
  let said: unknown[];

  beforeEach(() => {
    jest.useFakeTimers();
    links = names.map((name) => new Link(name));
    said = [];
    const say = (level: string) => (fields: object, text: string) => void said.push([level, text, fields]);
    logLinks(links as never, { info: say('info'), warn: say('warn') } as never);
  });

  afterEach(() => jest.useRealTimers());

  const all = (state: LinkState, reason = '') => {
    for (const link of links) {
      link.emit('state', state, reason);
      jest.advanceTimersByTime(300);
    }
  };

  it('has one line for a server that goes and one for its return, whatever its links pass through', () => {
    all('down', 'the connection ended');
    jest.advanceTimersByTime(10_000);
    all('connecting');
    all('recovering');
    all('up');
    jest.advanceTimersByTime(10_000);
    expect(said).toEqual([
      ['warn', 'Redis is gone', { links: names, reason: 'the connection ended' }],
      ['info', 'Redis is there', { links: names }],
    ]);
  });

  it('tells in order what goes and comes at once, and names each reason once', () => {
    links[0]?.emit('state', 'down', 'it hung up');
    links[1]?.emit('state', 'down', 'it said nothing');
    links[2]?.emit('state', 'down', 'it hung up');
    for (const link of links) link.emit('state', 'up', '');
    links[0]?.emit('state', 'down', 'it hung up');
    jest.advanceTimersByTime(1_000);
    expect(said).toEqual([
      ['warn', 'Redis is gone', { links: names, reason: 'it hung up; it said nothing' }],
      ['info', 'Redis is there', { links: names }],
      ['warn', 'Redis is gone', { links: ['sessions'], reason: 'it hung up' }],
    ]);
  });

  it('tells of links of another server that go later', () => {
    links[0]?.emit('state', 'down', 'it hung up');
    jest.advanceTimersByTime(5_000);
    links[1]?.emit('state', 'down', 'it hung up');
    jest.advanceTimersByTime(5_000);
    expect(said).toHaveLength(2);
  });
});
