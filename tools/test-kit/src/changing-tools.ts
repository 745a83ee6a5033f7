import type { ChangingToolsServer } from './changing-tools-server.js';

export type { ChangingToolsServer };

/** Loads the protocol's SDK for those tests alone that need it. */
export async function startChangingTools(): Promise<ChangingToolsServer> {
  const loaded = await import('./changing-tools-server.js');
  return new loaded.ChangingToolsServer().start();
}
