/** How the secrets inside a configuration are kept: the application's own way, which is that of all configurations. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
/** Its secrets encrypted, each by itself. */
export type SealedBody = { readonly [name: string]: Json };

export interface Secrets {
  /**
   * What was sent, with what its masks stand for.
   * @param otherwise what a mask is told that stands for nothing, where that is not because nothing is stored
   * @throws an error of the application's where one stands for nothing
   */
  restored(sent: SealedBody, stored: SealedBody | null, key: string, otherwise?: string): SealedBody;
  sealed(plain: SealedBody, key: string): SealedBody;
  shown(stored: SealedBody, key: string): SealedBody;
  /** @param unreadable told of each that cannot be decrypted; null stands in its place */
  revealed(stored: SealedBody, key: string, unreadable: () => void): SealedBody;
}

/** Names a service among all that has secrets. */
export function secretsKey(name: string): string {
  return `service:${name}`;
}
