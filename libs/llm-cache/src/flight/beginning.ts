import type { Permit } from '@promptsales/cache-core';
import type { CallFacts, Intent, Ledger } from '../ledger/ledger.js';
import type { Asker } from '../upstream/asker.js';
import type { UpstreamTarget } from '../upstream/upstream-client.js';

export interface Begun {
  /** Null where nobody watches over the provider. */
  readonly permit: Permit | null;
  readonly intent: Intent;
}

/**
 * What has to be there before a provider is called: the right to call it, and a durable line in the ledger. It is begun when a
 * call has become likely, beside whatever else decides whether it is made, and taken back without a trace when it is not.
 */
export class Beginning {
  /** @throws LlmError, LedgerUnavailable when the call may not be made */
  readonly begun: Promise<Begun>;

  constructor(target: UpstreamTarget, call: CallFacts, tools: { readonly asker: Asker; readonly ledger: Ledger }) {
    this.begun = begin(target, call, tools);
    // It may fail while the lease is still asked for. Without anybody to hear of it, that would end the process.
    this.begun.catch(toldToWhoeverLeads);
  }

  /** Nobody has called, or will. */
  withdraw(): void {
    this.begun.then(({ permit, intent }) => {
      permit?.settle('unknown');
      intent.withdraw();
    }, nothingToTakeBack);
  }
}

async function begin(
  target: UpstreamTarget,
  call: CallFacts,
  { asker, ledger }: { readonly asker: Asker; readonly ledger: Ledger },
): Promise<Begun> {
  // What may not be called at the moment is no call: it gets no line.
  const entering = asker.enter(target);
  const permit = entering === null ? null : await entering;
  try {
    return { permit, intent: await ledger.begin(call) };
  } catch (error) {
    permit?.settle('unknown');
    throw error;
  }
}

function nothingToTakeBack(): void {}

function toldToWhoeverLeads(): void {}
