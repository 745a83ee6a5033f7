import type { GatewayProcess } from './gateway-process.js';

export interface HeldScript {
  /** How often the process has wanted to run it. */
  readonly wanted: number;
  letGo(): void;
}

/** Keeps a script of the cache from being sent by a process until it is let go. */
export function holdScript({ roles }: GatewayProcess, name: string): HeldScript {
  const link = roles.link('llm');
  const run = link.run.bind(link);
  const going = Promise.withResolvers<void>();
  let wanted = 0;
  const spy = jest.spyOn(link, 'run').mockImplementation(async (script, keys, args) => {
    if (script.name === `ps_${name}`) {
      wanted += 1;
      await going.promise;
    }
    return run(script, keys, args);
  });
  return {
    get wanted() {
      return wanted;
    },
    letGo: () => {
      spy.mockRestore();
      going.resolve();
    },
  };
}
