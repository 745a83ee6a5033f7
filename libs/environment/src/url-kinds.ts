import { Secret } from './secret.js';
import { Refusal, type ValueKind } from './value-kind.js';

interface UrlRules {
  readonly takes: string;
  readonly schemes: readonly string[];
  /** What the path may be; a path outside it is most often a password with a raw slash. */
  readonly path?: RegExp;
  readonly hostRequired?: boolean;
}

/**
 * A URL that may carry a password. Its secret form is kept whole; its display form has neither credentials nor parameters.
 * A raw `@`, `#`, `?` or `/` inside a password moves the borders of the URL, so whatever looks like that is refused instead
 * of connecting somewhere else, or printing half a password as a host.
 */
function secretUrl(rules: UrlRules): ValueKind<Secret> {
  return {
    takes: rules.takes,
    secret: true,
    parse(text) {
      const url = parsed(text);
      const scheme = url.protocol.slice(0, -1);
      if (!rules.schemes.includes(scheme)) throw new Refusal();
      if (rules.hostRequired !== false && url.hostname === '') throw new Refusal('it names no host');
      const afterAuthority = `${url.pathname}${url.search}${url.hash}`;
      if (url.hash !== '' || afterAuthority.includes('@')) {
        throw new Refusal('characters such as @ # ? / inside a user name or password must be percent-encoded');
      }
      if (rules.path !== undefined && !rules.path.test(url.pathname)) throw new Refusal('its path is not understood');
      return new Secret(text, `${url.protocol}//${url.host}${url.pathname}`);
    },
  };
}

export const redisUrl = secretUrl({
  takes: 'redis://[user:password@]host[:port][/database], or rediss:// for TLS',
  schemes: ['redis', 'rediss'],
  path: /^(\/\d{0,5})?$/,
});

export const postgresUrl = secretUrl({
  takes: 'postgres://user:password@host[:port]/database, or postgresql://',
  schemes: ['postgres', 'postgresql'],
  hostRequired: false,
});

export const mongoUrl: ValueKind<Secret> = {
  takes: 'mongodb://[user:password@]host[:port]/database, or mongodb+srv://',
  secret: true,
  parse(text) {
    // A list of hosts is no URL of the WHATWG kind; the driver parses the rest.
    const match = /^(mongodb(?:\+srv)?:\/\/)(?:[^@/\s]*@)?([^@/\s?#]+)(\/[^@?#\s]*)?(\?[^@#\s]*)?$/.exec(text);
    if (match === null) throw new Refusal();
    return new Secret(text, `${match[1] ?? ''}${match[2] ?? ''}${match[3] ?? ''}`);
  },
};

/** The base URL of an HTTP service, without its trailing slash, as SDKs append paths to it. */
export const baseUrl: ValueKind<string> = {
  takes: 'an http:// or https:// URL without credentials, query and fragment',
  // Somebody may have put a key into the wrong variable.
  secret: true,
  parse(text) {
    const url = parsed(text);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Refusal();
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') throw new Refusal();
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  },
};

/** Where files go: a folder (`file:.local/temp`, relative to the workspace) or a bucket. */
export const storeUrl: ValueKind<Secret> = {
  takes: 'file:folder, or s3://bucket[/prefix][?endpoint=…&region=…]',
  secret: true,
  parse(text) {
    if (/^file:(?!\/\/[^/])[^\s?#]+$/.test(text)) return new Secret(text, text);
    const bucket = /^(s3:\/\/)(?:[^@/\s]*@)?([a-z0-9][a-z0-9.-]{1,62})(\/[^\s?#@]*)?(\?[^\s#]*)?$/.exec(text);
    if (bucket === null) throw new Refusal();
    return new Secret(text, `${bucket[1] ?? ''}${bucket[2] ?? ''}${bucket[3] ?? ''}`);
  },
};

function parsed(text: string): URL {
  if (/\s/.test(text) || !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw new Refusal();
  try {
    return new URL(text);
  } catch {
    // The reason that URL gives repeats the text, password and all.
    throw new Refusal();
  }
}
