/**
 * What is shown in place of a secret. It must be enough for a person to tell one token from another, and too little to be
 * of any use: of what is short, nothing.
 */
const HIDDEN = '…';
const SHOWN_FIRST = 4;
const SHOWN_LAST = 3;
const SHORTEST_SHOWN = 12;

/** `ghp_…123` */
export function maskOf(secret: string | number): string {
  const characters = [...String(secret)];
  if (typeof secret === 'number' || characters.length < SHORTEST_SHOWN) return HIDDEN;
  return `${characters.slice(0, SHOWN_FIRST).join('')}${HIDDEN}${characters.slice(-SHOWN_LAST).join('')}`;
}

const MASK = new RegExp(`^[^${HIDDEN}]{0,${SHOWN_FIRST}}${HIDDEN}[^${HIDDEN}]{0,${SHOWN_LAST}}$`, 'su');

/** Whether it could be one of `maskOf`: then it is never taken for a secret. */
export function looksLikeMask(text: string): boolean {
  return text.length <= 2 * (SHOWN_FIRST + SHOWN_LAST) + 1 && MASK.test(text);
}

/** `postgres://user:password@host`, `https://token@host` */
const USER_INFO = /:\/\/[^\s/?#@]+@/;
const USER_INFOS = new RegExp(USER_INFO, 'g');
const HIDDEN_USER_INFO = `://${HIDDEN}@`;

export function isUrlWithSecret(text: string): boolean {
  return USER_INFO.test(text) && !looksLikeMaskedUrl(text);
}

/** `postgres://…@host` */
export function maskOfUrl(text: string): string {
  return text.replace(USER_INFOS, HIDDEN_USER_INFO);
}

export function looksLikeMaskedUrl(text: string): boolean {
  return text.includes(HIDDEN_USER_INFO);
}
