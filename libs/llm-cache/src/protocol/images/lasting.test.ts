import { lastsFor } from './lasting.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const PNG = Buffer.from('89504e470d0a1a0a', 'hex').toString('base64');

describe('how long an image lasts', () => {
  it.each([
    ['itself', { b64_json: PNG }],
    ['as an address that holds it', { url: `data:image/png;base64,${PNG}` }],
  ])('for ever: %s', (_how, image) => {
    expect(lastsFor(image, NOW)).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ['an address that says nothing', 'https://images.example/1.png', 3000],
    ['Azure', 'https://oai.blob.core.windows.net/x.png?st=2026-11-21T11%3A00%3A00Z&se=2026-11-21T13%3A00%3A00Z', 3300],
    ['Amazon', 'https://s3.example/x.png?X-Amz-Date=20261121T115000Z&X-Amz-Expires=3600', 2700],
    ['Google', 'https://storage.example/x.png?X-Goog-Date=20261121T115000Z&X-Goog-Expires=604800', 86_400],
    ['one that is over', 'https://s3.example/x.png?X-Amz-Date=20261121T100000Z&X-Amz-Expires=3600', -3900],
    ['a date that is none', 'https://s3.example/x.png?se=soon&X-Amz-Date=today&X-Amz-Expires=3600', 3000],
  ])('as its address says: %s', (_whose, url, seconds) => {
    expect(lastsFor({ url }, NOW)).toBe(seconds);
  });

  it.each([
    ['base64 that is none', { b64_json: 'not base64!' }],
    ['base64 that was cut off', { b64_json: PNG.slice(0, -1) }],
    ['nothing', { b64_json: '' }],
    ['a number', { b64_json: 7 }],
    ['another scheme', { url: 'file:///etc/passwd' }],
    ['no address', { url: 'over there' }],
    ['neither', { revised_prompt: 'a cat' }],
  ])('not at all: %s', (_what, image) => {
    expect(lastsFor(image, NOW)).toBe(0);
  });
});
