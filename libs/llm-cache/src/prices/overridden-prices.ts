import { createHash } from 'node:crypto';
import { parseUsd } from './money.js';
import {
  isStandardTier,
  TOKEN_CLASSES,
  type Price,
  type PriceQuestion,
  type Prices,
  type Rates,
  type TokenClass,
} from './price-table.js';
import { writtenPrice } from './used-prices.js';

/** USD for a million tokens by class, as decimal strings. Classes that nobody bills in are ignored. */
export type OverridingAmounts = Readonly<Record<string, string>>;

export interface Override {
  readonly provider: string;
  readonly model: string;
  readonly amounts: OverridingAmounts;
}

/** What a tenant pays by agreement instead of the list price. Asked for every line: answer from memory. */
export interface PriceOverrides {
  of(tenant: string, provider: string, model: string): OverridingAmounts | null;
  /** All that hold for the tenant. */
  list(tenant: string): readonly Override[];
}

/** Before the first day of any list. */
const ALWAYS = new Date(0);

/**
 * List prices with a tenant's own in front. An override names classes; of those that it does not name, the list price holds. It is
 * looked for under the model that answered, then under the one that was asked for, and holds in the standard tier and for
 * prompts of any length.
 */
export class OverriddenPrices implements Prices {
  readonly #listed: Prices;
  readonly #overrides: PriceOverrides;
  /** An agreement is the same object until it changes: one price for each, and for each list price under it. */
  readonly #made = new WeakMap<
    OverridingAmounts,
    Map<string, { readonly listed: Price | null; readonly price: Price }>
  >();

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
    const made = this.#made.get(amounts) ?? new Map<string, { listed: Price | null; price: Price }>();
    this.#made.set(amounts, made);
    const known = made.get(model);
    if (known !== undefined && known.listed === listed) return known.price;
    const price = overridden({ provider, model, amounts }, listed);
    made.set(model, { listed, price });
    return price;
  }
}

/** Its version says what it is made of: an agreement that changes makes another price. */
export function overridden({ provider, model, amounts }: Override, listed: Price | null): Price {
  const classes = classesOf(amounts);
  const { longPrompt = null } = listed ?? {};
  const price: Price = {
    provider,
    model,
    tier: 'standard',
    effectiveFrom: ALWAYS,
    nanoPerMillion: { ...listed?.nanoPerMillion, ...classes },
    nanoPerImage: listed?.nanoPerImage ?? null,
    longPrompt: longPrompt && { ...longPrompt, nanoPerMillion: { ...longPrompt.nanoPerMillion, ...classes } },
    version: '',
  };
  const digest = createHash('sha256')
    .update(JSON.stringify(writtenPrice(price)))
    .digest('hex')
    .slice(0, 12);
  return { ...price, version: `${provider}@override-${digest}` };
}

function classesOf(amounts: OverridingAmounts): Rates {
  const classes: Partial<Record<TokenClass, bigint>> = {};
  for (const name of TOKEN_CLASSES) {
    const usd = Object.hasOwn(amounts, name) ? amounts[name] : undefined;
    if (usd !== undefined) classes[name] = parseUsd(usd);
  }
  return classes;
}
