import { choosePolicy, DEFAULT_POLICY, policyAllows, type CachePolicy, type PolicyMatch } from './policy.js';

const subject = { provider: 'openai', model: 'gpt-4o', tenant: 'acme', keyId: 'k1' };

function policy(name: string, match: PolicyMatch): CachePolicy {
  return { name, match, mode: 'all', share: 'tenant' };
}

describe('the policy of a request', () => {
  it('is the default where nothing matches', () => {
    expect(choosePolicy([], subject)).toBe(DEFAULT_POLICY);
    expect(
      choosePolicy([policy('other', { model: 'gpt-4' }), policy('half', { model: 'gpt-4o', tenant: 'x' })], subject),
    ).toBe(DEFAULT_POLICY);
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
      expect(choosePolicy(policies, subject).name).toBe(`p${most - 1}`);
      expect(choosePolicy(policies.toReversed(), subject).name).toBe(`p${most - 1}`);
    }
  });

  it('does not depend on the order of two that match equally', () => {
    const [a, b] = [policy('a', { tenant: 'acme' }), policy('b', { tenant: 'acme' })];
    expect(choosePolicy([a, b], subject)).toBe(choosePolicy([b, a], subject));
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
});
