/** Who is asking, as the key that was presented says. */
export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
  /** The name under which the key's use is counted. */
  readonly client: string;
  readonly scopes: ReadonlySet<string>;
  readonly plan: string;
  readonly admin: boolean;
}

/** For whom the key's holder asks, within its own tenant. It attributes; it never authorises. */
export interface Attribution {
  readonly userId?: string;
  readonly clienteId?: string;
  readonly campanaId?: string;
  readonly segmento?: string;
}

/** Tells who a key belongs to. A known key is answered without waiting. */
export interface Authenticator {
  /** Null for a key that is not valid; throws when it cannot be known at the moment. */
  authenticate(presented: string): Principal | null | Promise<Principal | null>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null on routes that are open to all and were called without a valid key. */
    principal: Principal | null;
    /** Null where no key was looked at. */
    attribution: Attribution | null;
  }
}
