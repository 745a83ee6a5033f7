/**
 * Where a name may lead. It is looked at where a connection is made and with the very addresses that are connected to, so that
 * a name cannot be one thing when it is checked and another when it is used.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A name that looks public leads to an address that is nobody's outside. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
  readonly code = 'private_address';

  constructor(host: string) {
    super(`${host} leads to a private address, which its configuration does not allow.`);
  }
}

/** An address that is not one of the public internet: private, loopback, link-local, multicast, reserved, in any spelling. */
export function isPrivateAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return true;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6) {
    const range = parsed.range();
    // NAT64 and 6to4 carry an IPv4 address inside.
    if (range === 'rfc6052') return isPrivateAddress(ipv4In(parsed.toByteArray().slice(12)));
    if (range === '6to4') return isPrivateAddress(ipv4In(parsed.toByteArray().slice(2, 6)));
    // Of what no list names, only 2000::/3 is given out: not the old site-local and IPv4-compatible ranges.
    return range !== 'unicast' || ((parsed.parts[0] ?? 0) & 0xe000) !== 0x2000;
  }
  return parsed.range() !== 'unicast';
}

function ipv4In(bytes: readonly number[]): string {
  return bytes.join('.');
}

const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|lan|intranet|corp|home\.arpa|test)$/;

/** A host that says itself that it is inside: such an address, a name without a dot, or under a domain that is nobody's. */
export function isPrivateHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(bare) !== 0) return isPrivateAddress(bare);
  return !bare.includes('.') || PRIVATE_NAME.test(bare.toLowerCase());
}

/** A look-up that gives only public addresses, and fails with `PrivateAddressError` where there is none. */
export function publicLookup(lookup: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const addresses: readonly LookupAddress[] = found;
      const allowed = addresses.filter(({ address }) => !isPrivateAddress(address));
      const [first] = allowed;
      if (first === undefined) callback(new PrivateAddressError(hostname), '');
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
