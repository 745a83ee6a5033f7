/** How the secrets inside a configuration are kept: the application's own way, which is that of all configurations. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
/** Its secrets encrypted, each by itself. */
export type SealedBody = { readonly [name: string]: Json };

export interface Secrets {
  /** What was sent, with what its masks stand for. @throws an error of the application's where one stands for nothing */
  restored(sent: SealedBody, stored: SealedBody | null, key: string): SealedBody;
  sealed(plain: SealedBody, key: string): SealedBody;
  shown(stored: SealedBody, key: string): SealedBody;
  /** @param unreadable told of each that cannot be decrypted; null stands in its place */
  revealed(stored: SealedBody, key: string, unreadable: () => void): SealedBody;
}

/** Names a service among all that has secrets. */
export function secretsKey(name: string): string {
  return `service:${name}`;
}
