import type { Usage } from '../ledger/ledger.js';
import { TOKEN_CLASSES, type Price, type Rates, type TokenClass } from './price-table.js';

/** Why a cost is not known. Kept with the line, so that an operator can see what to add to the price table. */
export type UnpricedBecause = 'no_usage' | 'no_price' | 'no_class_price' | 'inconsistent_usage' | 'billed_beside';

export type Cost =
  | { readonly nanoUsd: bigint; readonly unpricedBecause: null }
  | { readonly nanoUsd: null; readonly unpricedBecause: UnpricedBecause };

const MILLION = 1_000_000n;

/** About 8,796 USD. No answer costs that; and a line of 2^20 hits at most still fits a 64-bit column. */
const MOST_NANO_USD = 2n ** 43n;

/**
 * What the usage costs at the price, in exact integer arithmetic: tokens × nano-dollars per million, summed over the classes,
 * divided once, half a nano-dollar rounded up.
 *
 * Every token is priced in exactly one class: those reported as cached, cache-written, audio or image leave `input`, audio
 * and image leave `output`; reasoning is part of `output` unless the price names it. Counts that contradict each other, an
 * unknown total, an amount that no answer costs, or a used class without a price make the whole cost unknown; and so does
 * whatever the provider bills beside what it counts, since a search has a price of its own. Where some input is cached and some
 * is audio or image, nobody says how much is both, and what is both has a price that no class names.
 *
 * Images that are billed by the piece are counted in pieces and in nothing else.
 */
export function costOf(usage: Usage | null, price: Price | null): Cost {
  if (usage?.billedBeside === true) return unpriced('billed_beside');
  if (typeof usage?.images === 'number') return costOfImages(usage.images, price);
  if (usage === null || usage.inputTokens === null || usage.outputTokens === null) return unpriced('no_usage');
  if (price === null) return unpriced('no_price');
  if (mayHaveCachedMedia(usage)) return unpriced('no_class_price');
  const rates = ratesFor(price, usage.inputTokens);
  const counts = countsOf(usage, usage.inputTokens, usage.outputTokens, rates);
  let total = 0n;
  for (const tokenClass of TOKEN_CLASSES) {
    const tokens = counts[tokenClass];
    if (!Number.isSafeInteger(tokens) || tokens < 0) return unpriced('inconsistent_usage');
    if (tokens === 0) continue;
    const rate = rates[tokenClass];
    if (rate === undefined) return unpriced('no_class_price');
    total += BigInt(tokens) * rate;
  }
  return believable((total + MILLION / 2n) / MILLION);
}

function mayHaveCachedMedia({ cachedInputTokens, audioInputTokens, imageInputTokens }: Usage): boolean {
  return (cachedInputTokens ?? 0) > 0 && ((audioInputTokens ?? 0) > 0 || (imageInputTokens ?? 0) > 0);
}

function costOfImages(images: number, price: Price | null): Cost {
  if (price === null) return unpriced('no_price');
  const { nanoPerImage = null } = price;
  return nanoPerImage === null ? unpriced('no_class_price') : believable(BigInt(images) * nanoPerImage);
}

function believable(nanoUsd: bigint): Cost {
  return nanoUsd > MOST_NANO_USD ? unpriced('inconsistent_usage') : { nanoUsd, unpricedBecause: null };
}

function unpriced(unpricedBecause: UnpricedBecause): Cost {
  return { nanoUsd: null, unpricedBecause };
}

/** What holds for a prompt of that length. */
export function ratesFor({ nanoPerMillion, longPrompt = null }: Price, inputTokens: number): Rates {
  return longPrompt !== null && inputTokens > longPrompt.aboveInputTokens ? longPrompt.nanoPerMillion : nanoPerMillion;
}

/** Every token in one class. */
export function countsOf(
  usage: Usage,
  input: number,
  output: number,
  rates: Rates,
): Readonly<Record<TokenClass, number>> {
  const cachedInput = usage.cachedInputTokens ?? 0;
  const cacheWrite5m = usage.cacheWrite5mTokens ?? 0;
  const cacheWrite1h = usage.cacheWrite1hTokens ?? 0;
  const audioInput = usage.audioInputTokens ?? 0;
  const imageInput = usage.imageInputTokens ?? 0;
  const reasoning = rates.reasoning === undefined ? 0 : (usage.reasoningTokens ?? 0);
  const audioOutput = usage.audioOutputTokens ?? 0;
  const imageOutput = usage.imageOutputTokens ?? 0;
  return {
    input: input - (cachedInput + cacheWrite5m + cacheWrite1h + audioInput + imageInput),
    cached_input: cachedInput,
    cache_write_5m: cacheWrite5m,
    cache_write_1h: cacheWrite1h,
    audio_input: audioInput,
    image_input: imageInput,
    output: output - (reasoning + audioOutput + imageOutput),
    reasoning,
    audio_output: audioOutput,
    image_output: imageOutput,
  };
}
