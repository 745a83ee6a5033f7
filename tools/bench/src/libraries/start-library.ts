import { join } from 'node:path';
import { startOrdered, type OrderedProcess } from '../processes/ordered-process.js';
import type { LibraryName } from './libraries.js';
import type { Tiers } from './library.js';
import type { Orders, ProcessArguments } from './orders.js';

/** A library at work in a process of its own. */
export type LibraryProcess = OrderedProcess<Orders> & { readonly name: LibraryName };

export async function startLibrary(library: LibraryName, redisUrl: string, tiers: Tiers): Promise<LibraryProcess> {
  const given: ProcessArguments = { library, redisUrl, tiers };
  const process = await startOrdered<Orders>(join(import.meta.dirname, 'library-process.js'), given);
  return { ...process, name: library };
}
