import type { lookup } from 'node:dns';
import { isPrivateAddress, isPrivateHost, PrivateAddressError, publicLookup } from './address-guard.js';

it.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
  '2002:a00:1::',
  '::7f00:1',
  'fec0::1',
  '64:ff9b:1::a00:1',
  'nonsense',
])('trap 23: %s is no address of the public internet', (address) => {
  expect(isPrivateAddress(address)).toBe(true);
});

it.each(['1.1.1.1', '8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])('%s is one', (address) => {
  expect(isPrivateAddress(address)).toBe(false);
});

it.each([
  ['api.example.com', false],
  ['localhost', true],
  ['crm', true],
  ['crm.internal', true],
  ['crm.svc.cluster.local', true],
  ['127.0.0.1', true],
  ['[::1]', true],
  ['8.8.8.8', false],
  ['internal.example.com', false],
])('the host %s says itself that it is inside: %p', (host, inside) => {
  expect(isPrivateHost(host)).toBe(inside);
});

describe('trap 23: a name is judged by the addresses that are connected to', () => {
  const names: Record<string, string[]> = { rebound: ['10.0.0.1'], mixed: ['127.0.0.1', '8.8.8.8'] };
  const system = ((name: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(
      null,
      (names[name] ?? []).map((address) => ({ address, family: 4 })),
    )) as unknown as typeof lookup;

  it('of a name that leads inside there is none', () => {
    const told = jest.fn();
    publicLookup(system)('rebound', {}, told);
    expect(told.mock.calls[0]?.[0]).toBeInstanceOf(PrivateAddressError);
  });

  it('of one that leads both ways only what is public', () => {
    const told = jest.fn();
    publicLookup(system)('mixed', { all: true }, told);
    publicLookup(system)('mixed', {}, told);
    expect(told.mock.calls).toEqual([
      [null, [{ address: '8.8.8.8', family: 4 }]],
      [null, '8.8.8.8', 4],
    ]);
  });
});
