import type { Protocol } from '../protocol/protocol.js';
import type { CachePolicy } from '../request/policy.js';
import type { UpstreamTarget } from '../upstream/upstream-client.js';

/** Whom to ask, by protocol. Looked at for every request: answer from memory. */
export interface UpstreamDirectory {
  targetFor(protocol: Pick<Protocol, 'id'>): UpstreamTarget | null;
}

/** The policies in force. Looked at for every request: answer from memory. */
export interface PolicySource {
  current(): readonly CachePolicy[];
}
