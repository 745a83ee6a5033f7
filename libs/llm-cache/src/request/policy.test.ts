import fc from 'fast-check';
import {
  answersKept,
  DEFAULT_POLICY,
  MATCH_MEMBERS,
  policyAllows,
  PolicyTable,
  type CachePolicy,
  type PolicyMatch,
  type PolicySubject,
} from './policy.js';

const subject: PolicySubject = { provider: 'openai', model: 'gpt-4o', tenant: 'acme', keyId: 'k1' };

function policy(name: string, match: PolicyMatch): CachePolicy {
  return { name, match, mode: 'all', share: 'tenant' };
}

function choose(policies: readonly CachePolicy[]): CachePolicy {
  return new PolicyTable(policies).choose(subject);
}

/** The rule as it is told, without the table. */
function oneByOne(policies: readonly CachePolicy[], of: PolicySubject): CachePolicy {
  const rankOf = ({ match }: CachePolicy): number =>
    [8, 4, 2, 1].reduce(
      (rank, weight, at) =>
        rank + (match[['keyId', 'tenant', 'model', 'provider'][at] as keyof PolicyMatch] === undefined ? 0 : weight),
      0,
    );
  return policies
    .filter(({ match }) => MATCH_MEMBERS.every((member) => match[member] === undefined || match[member] === of[member]))
    .reduce((best, one) => (best === DEFAULT_POLICY || rankOf(one) >= rankOf(best) ? one : best), DEFAULT_POLICY);
}

describe('the policy of a request', () => {
  it('is the default where nothing matches', () => {
    expect(choose([])).toBe(DEFAULT_POLICY);
    expect(choose([policy('other', { model: 'gpt-4' }), policy('half', { model: 'gpt-4o', tenant: 'x' })])).toBe(
      DEFAULT_POLICY,
    );
    const own: CachePolicy = { ...DEFAULT_POLICY, mode: 'off' };
    expect(choose([own, policy('other', { model: 'gpt-4' })])).toBe(own);
  });

  it('is the narrowest that matches, in whatever order they come', () => {
    const narrowing: PolicyMatch[] = [
      { provider: 'openai' },
      { model: 'gpt-4o' },
      { provider: 'openai', model: 'gpt-4o' },
      { tenant: 'acme' },
      { tenant: 'acme', model: 'gpt-4o' },
      { keyId: 'k1' },
      { keyId: 'k1', model: 'gpt-4o', provider: 'openai' },
    ];
    for (let most = 1; most <= narrowing.length; most++) {
      const policies = narrowing.slice(0, most).map((match, index) => policy(`p${index}`, match));
      expect(choose(policies).name).toBe(`p${most - 1}`);
      expect(choose(policies.toReversed()).name).toBe(`p${most - 1}`);
    }
  });

  it('is the one said later where two match alike, and the default only where there is no other', () => {
    const [a, b] = [policy('a', { tenant: 'acme' }), policy('b', { tenant: 'acme' })];
    expect([choose([a, b]), choose([b, a])]).toEqual([b, a]);
    const all = policy('all', {});
    expect([choose([DEFAULT_POLICY, all]), choose([all, DEFAULT_POLICY])]).toEqual([all, all]);
  });

  it('is what looking at each policy in turn would find, for any policies and any subject', () => {
    const value = fc.constantFrom('a', 'b', 'a","b', '', '\0', '__proto__');
    const subjects = fc.record({ provider: value, model: value, tenant: value, keyId: value });
    const matches = fc.record({ provider: value, model: value, tenant: value, keyId: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(matches, { maxLength: 12 }), subjects, (all, of) => {
        const policies = all.map((match, index) => policy(`p${index}`, match));
        expect(new PolicyTable(policies).choose(of)).toBe(oneByOne(policies, of));
      }),
    );
  });

  it('allows by mode', () => {
    const mode = (of: CachePolicy['mode'], body: Record<string, unknown>) =>
      policyAllows({ ...DEFAULT_POLICY, mode: of }, body);
    expect(mode('all', { temperature: 1 })).toBe(true);
    expect(mode('off', { temperature: 0 })).toBe(false);
    expect(mode('bucket', {})).toBe(true);
    expect(mode('deterministic', {})).toBe(false);
    expect(mode('deterministic', { temperature: 0.1 })).toBe(false);
    expect(mode('deterministic', { temperature: '0' })).toBe(false);
    expect(mode('deterministic', { temperature: 0 })).toBe(true);
    expect(mode('deterministic', { temperature: -0 })).toBe(true);
    expect(mode('deterministic', { seed: 7, temperature: 1 })).toBe(true);
    expect(mode('deterministic', { seed: null })).toBe(false);
  });

  it('keeps several answers only in a bucket', () => {
    expect(answersKept({ ...DEFAULT_POLICY, bucket: 3 })).toBe(1);
    expect(answersKept({ ...DEFAULT_POLICY, mode: 'bucket', bucket: 3 })).toBe(3);
    expect(answersKept({ ...DEFAULT_POLICY, mode: 'bucket' })).toBe(1);
  });
});
