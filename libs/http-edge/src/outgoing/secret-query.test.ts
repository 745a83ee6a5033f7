import { secretQueryNames } from './secret-query.js';

it.each([
  ['api_key=1', ['api_key']],
  ['Api%2DKey=1', ['Api-Key']],
  ['apiKey=1&page=2&ACCESS_TOKEN=3', ['apiKey', 'ACCESS_TOKEN']],
  ['key=1', ['key']],
  ['X-Amz-Signature=1&sig=2', ['X-Amz-Signature', 'sig']],
  ['client_secret&password=', ['client_secret', 'password']],
  ['max_tokens=1&keyword=2&monkey=3&author=4&tenant=5', []],
  ['', []],
])('of %s, what is called as secrets are is %j', (query, names) => {
  expect(secretQueryNames(new URL(`https://x.example/?${query}`))).toEqual(names);
});
