/**
 * Masks that are sent back. A caller reads a configuration with its secrets masked, changes something and sends it back: what
 * is still masked stays as it was.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. A mask is never stored as a secret: it stands for the secret at its place, or the whole request is refused.
 * 2. A secret never moves to another owner. In an array, whose elements may have come, gone or changed places, an element
 *    that is as it was shown is that element, wherever it stands now; one that was edited is the one at its place, and only
 *    where no neighbour's secret looks the same.
 */
import type { FieldError } from '@promptsales/http-edge';
import { refuse } from '../configuration-error.js';
import { isJsonObject, pathText, type Json, type JsonObject, type Path } from '../json.js';
import { looksLikeMask, looksLikeMaskedUrl } from '@promptsales/http-edge';
import { maskedAny, Secret, type Opened, type OpenedObject } from './opened.js';
import { isSealed } from './seal.js';
import { isSecretName } from './secret-names.js';

interface Place {
  readonly path: Path;
  /** Under a name that says so. */
  readonly secret: boolean;
  readonly stored: Opened | undefined;
  /** What is stored at the same place of the neighbours in arrays. */
  readonly rivals: () => readonly Opened[];
}

const NOTHING_BEHIND = 'is a mask, and no secret is stored here: send the secret itself';
const ANOTHER = 'is the mask of another secret than the one stored here: send the secret itself';
const AMBIGUOUS = 'fits several secrets of this list: send the secret itself';
const UNREADABLE = 'the stored secret cannot be decrypted any more: send it anew';
const RESERVED = 'may not begin with "encrypted:"';
const TOO_LARGE = 'is a number that would not come back as it was sent: send it as a text';
const DEEPEST = 32;
/** Each may have to be compared with all others. */
const MOST_SECRETS = 200;
const nobody = (): readonly Opened[] => [];

/**
 * What was sent, with the secrets that its masks stand for.
 * @param nothingBehind what is said of a mask at whose place there is nothing to stand for
 * @throws ConfigurationError `secret_mask` that names every mask which stands for nothing
 */
export function restoreMasks(
  sent: JsonObject,
  stored: OpenedObject | null,
  nothingBehind = NOTHING_BEHIND,
): JsonObject {
  const restoring = new Restoring(nothingBehind);
  const whole = restoring.any(sent, { path: [], secret: false, stored: stored ?? undefined, rivals: nobody });
  refuse('configuration_invalid', restoring.invalid);
  refuse('secret_mask', restoring.masks);
  return whole as JsonObject;
}

class Restoring {
  readonly masks: FieldError[] = [];
  readonly invalid: FieldError[] = [];
  readonly #nothingBehind: string;
  #secrets = 0;

  constructor(nothingBehind: string) {
    this.#nothingBehind = nothingBehind;
  }

  any(sent: Json, place: Place): Json {
    if (typeof sent === 'string') return this.#text(sent, place);
    if (place.path.length >= DEEPEST && typeof sent === 'object' && sent !== null) {
      this.invalid.push({ path: pathText(place.path), message: `is nested more than ${DEEPEST} deep` });
      return null;
    }
    if (Array.isArray(sent)) return this.#array(sent as readonly Json[], place);
    if (typeof sent === 'number' && !isExact(sent)) {
      this.invalid.push({ path: pathText(place.path), message: TOO_LARGE });
    }
    return isJsonObject(sent) ? this.#object(sent, place) : sent;
  }

  #object(sent: JsonObject, place: Place): Json {
    return Object.fromEntries(
      Object.entries(sent).map(([name, item]) => [
        name,
        this.any(item, {
          path: [...place.path, name],
          secret: place.secret || isSecretName(name),
          stored: memberOf(place.stored, name),
          rivals: () => place.rivals().flatMap((rival) => memberOf(rival, name) ?? []),
        }),
      ]),
    );
  }

  #array(sent: readonly Json[], place: Place): Json {
    const stored = itemsOf(place.stored);
    const shown = stored.map((item) => JSON.stringify(maskedAny(item)));
    const byLooks = Map.groupBy(stored.keys(), (at) => shown[at]);
    const others = (): readonly Opened[] => place.rivals().flatMap(itemsOf);
    return sent.map((item, at) => {
      const within = { ...place, path: [...place.path, at] };
      const alike = byLooks.get(JSON.stringify(item)) ?? [];
      if (alike.length === 0) {
        // Edited, or new.
        const rivals = () => [...stored.filter((_, other) => other !== at), ...others()];
        return this.any(item, { ...within, stored: stored[at], rivals });
      }
      const itself = alike.includes(at);
      const rivals = itself && sent.length === stored.length ? nobody : () => alike.map((i) => stored[i] as Opened);
      return this.any(item, { ...within, stored: stored[itself ? at : (alike[0] as number)], rivals });
    });
  }

  #text(sent: string, { path, secret, stored, rivals }: Place): Json {
    if (isSealed(sent)) {
      this.invalid.push({ path: pathText(path), message: RESERVED });
      return sent;
    }
    const shown = stored instanceof Secret && stored.mask === sent;
    if (secret || shown || looksLikeMaskedUrl(sent)) this.#secrets += 1;
    if (this.#secrets > MOST_SECRETS) return this.#tooMany(sent, path);
    if (!shown && !(secret && looksLikeMask(sent)) && !looksLikeMaskedUrl(sent)) return sent;
    if (!(stored instanceof Secret)) return this.#standsForNothing(sent, path, this.#nothingBehind);
    if (!shown) return this.#standsForNothing(sent, path, ANOTHER);
    if (!stored.readable) return this.#standsForNothing(sent, path, UNREADABLE);
    const other = rivals().some((rival) => rival instanceof Secret && rival.mask === sent && !rival.equals(stored));
    return other ? this.#standsForNothing(sent, path, AMBIGUOUS) : stored.reveal();
  }

  #tooMany(sent: string, path: Path): Json {
    if (this.#secrets === MOST_SECRETS + 1) {
      this.invalid.push({
        path: pathText(path),
        message: `is one secret more than the ${MOST_SECRETS} that one may hold`,
      });
    }
    return sent;
  }

  #standsForNothing(sent: string, path: Path, message: string): Json {
    this.masks.push({ path: pathText(path), message });
    return sent;
  }
}

/** Beyond what a double holds, it is no longer the number that was sent. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function memberOf(value: Opened | undefined, name: string): Opened | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Secret || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as OpenedObject)[name] : undefined;
}

function itemsOf(value: Opened | undefined): readonly Opened[] {
  return Array.isArray(value) ? (value as readonly Opened[]) : [];
}
