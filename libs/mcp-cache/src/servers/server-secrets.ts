/** Headers and environment of a server: encrypted where they lie, masked where they are shown. */
import { decode, encode, type Keyring } from '@promptsales/cache-core';
import { looksLikeMask, maskOf } from '@promptsales/http-edge';

export type Secrets = Readonly<Record<string, string>>;

export class ServerSecrets {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** Bound to the server whose they are: copied to another, they do not decrypt. */
  seal(secrets: Secrets, tenant: string, name: string): string {
    const text = Buffer.from(JSON.stringify(secrets));
    return encode(text, { keyring: this.#keyring, aad: boundTo(tenant, name) }).toString('base64');
  }

  /** @throws CodecError when the key is no longer on the ring, or what is stored was changed */
  open(sealed: string, tenant: string, name: string): Secrets {
    const bytes = decode(Buffer.from(sealed, 'base64'), { keyring: this.#keyring, aad: boundTo(tenant, name) });
    return JSON.parse(bytes.toString()) as Secrets;
  }
}

function boundTo(tenant: string, name: string): string {
  return JSON.stringify(['mcp server', tenant, name]);
}

export function masked(secrets: Secrets): Secrets {
  return Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, maskOf(secret)]));
}

/**
 * What was sent, with what its masks stand for.
 * @param refused told of each mask that stands for nothing
 */
export function unmasked(sent: Secrets, stored: Secrets, refused: (name: string) => void): Secrets {
  return Object.fromEntries(
    Object.entries(sent).map(([name, value]) => {
      const known = Object.hasOwn(stored, name) ? stored[name] : undefined;
      if (known !== undefined && maskOf(known) === value) return [name, known];
      if (looksLikeMask(value)) refused(name);
      return [name, value];
    }),
  );
}
