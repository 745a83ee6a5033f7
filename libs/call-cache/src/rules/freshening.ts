/** What a 304 changes of what is stored: RFC 9111 §3.2 and §4.3.4. */
import { storedFields } from './storing.js';
import { Fields } from './fields.js';

/** They describe the stored bytes, which a 304 does not bring. */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-md5',
  'content-range',
  'etag',
  'trailer',
]);

export function freshened(stored: Fields, notModified: Fields): Fields {
  const news = storedFields(notModified).without((name) => OF_THE_BODY.has(name));
  const replaced = new Set(news.lines.map(([name]) => name.toLowerCase()));
  // What either holds back, it holds back of both.
  return storedFields(new Fields([...stored.without((name) => replaced.has(name)).lines, ...news.lines]));
}
