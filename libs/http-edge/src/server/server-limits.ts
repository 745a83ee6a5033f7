/** What a connection may take of a process. Named here so that tests and documentation speak of the same figures. */
export const SERVER_LIMITS = Object.freeze({
  bodyBytes: 10 * 1024 * 1024,
  headerBytes: 16 * 1024,
  pathParameterCharacters: 1024,
  /** Longer than the idle time-out of common load balancers (60 s), so that it is they who close. */
  keepAliveMs: 72_000,
  /** For the headers, which a slow-loris client sends a byte at a time. */
  headersMs: 15_000,
  /** For headers and body; an answer may take as long as it needs. */
  requestMs: 120_000,
  connectionsCheckMs: 5_000,
});
