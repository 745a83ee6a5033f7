import { parseUsd } from './money.js';
import {
  isStandardTier,
  TOKEN_CLASSES,
  type Price,
  type PriceQuestion,
  type Prices,
  type TokenClass,
} from './price-table.js';

/** USD for a million tokens by class, as decimal strings. Classes that nobody bills in are ignored. */
export type OverridingAmounts = Readonly<Record<string, string>>;

/** What a tenant pays by agreement instead of the list price. Asked for every line: answer from memory. */
export interface PriceOverrides {
  of(tenant: string, provider: string, model: string): OverridingAmounts | null;
}

/** Before the first day of any list. */
const ALWAYS = new Date(0);

/**
 * List prices with a tenant's own in front. An override names classes; of those that it does not name, the list price holds. It is
 * looked for under the model that answered, then under the one that was asked for, and holds in the standard tier.
 */
export class OverriddenPrices implements Prices {
  readonly #listed: Prices;
  readonly #overrides: PriceOverrides;

  constructor(listed: Prices, overrides: PriceOverrides) {
    this.#listed = listed;
    this.#overrides = overrides;
  }

  of(question: PriceQuestion): Price | null {
    const { tenant, provider, model, asked, serviceTier } = question;
    const listed = this.#listed.of(question);
    if (!isStandardTier(serviceTier)) return listed;
    const amounts = this.#overrides.of(tenant, provider, model) ?? this.#overrides.of(tenant, provider, asked);
    if (amounts === null) return listed;
    const classes = classesOf(amounts);
    const { longPrompt = null } = listed ?? {};
    return {
      provider,
      model,
      tier: 'standard',
      effectiveFrom: ALWAYS,
      nanoPerMillion: { ...listed?.nanoPerMillion, ...classes },
      longPrompt: longPrompt && { ...longPrompt, nanoPerMillion: { ...longPrompt.nanoPerMillion, ...classes } },
      version: `${provider}@override`,
    };
  }
}

function classesOf(amounts: OverridingAmounts): Partial<Record<TokenClass, bigint>> {
  const classes: Partial<Record<TokenClass, bigint>> = {};
  for (const name of TOKEN_CLASSES) {
    const usd = Object.hasOwn(amounts, name) ? amounts[name] : undefined;
    if (usd !== undefined) classes[name] = parseUsd(usd);
  }
  return classes;
}
