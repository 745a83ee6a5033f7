import { isIP } from 'node:net';
import { isHost } from './scalar-kinds.js';
import { Refusal, type ValueKind } from './value-kind.js';

/** A comma-separated list. Blanks around items are dropped; an empty item is a fault, since it hides a typing error. */
export function list<T>(item: ValueKind<T>): ValueKind<readonly T[]> {
  return {
    takes: `a comma-separated list, each item ${item.takes}`,
    secret: item.secret,
    parse: (text) => Object.freeze(text.split(',').map((part) => item.parse(part.trim()))),
  };
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with IPv6 in brackets. */
export function address(defaultPort: number): ValueKind<Address> {
  return {
    takes: `host[:port] (the port is ${defaultPort} when left out, IPv6 stands in brackets)`,
    secret: false,
    parse(text) {
      const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
      const host = match?.[1] ?? match?.[2] ?? '';
      const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
      if (!isHost(host) || port < 1 || port > 65_535) throw new Refusal();
      return Object.freeze({ host, port });
    },
  };
}

const NAMED_NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

/** An address, a network in CIDR form, or one of the named networks of `proxy-addr`, which Fastify's `trustProxy` reads. */
export const network: ValueKind<string> = {
  takes: `an IP address, a network such as 10.0.0.0/8, or one of ${NAMED_NETWORKS.join(', ')}`,
  secret: false,
  parse(text) {
    if (NAMED_NETWORKS.includes(text)) return text;
    const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
    const family = isIP(match?.[1] ?? '');
    const bits = match?.[2] === undefined ? 0 : Number(match[2]);
    if (family === 0 || bits > (family === 4 ? 32 : 128)) throw new Refusal();
    return text;
  },
};
