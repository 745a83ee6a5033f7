import { processorMs } from '@promptsales/test-kit';
import { PassThrough } from 'node:stream';
import { createLogger } from './logger.js';
import { SecretScrubber } from './secret-scrubber.js';

it('scrubs a line that is made to be slow at once', () => {
  const scrubber = new SecretScrubber([]);
  const spent = processorMs(() => {
    scrubber.scrub('a-'.repeat(64_000));
    scrubber.scrub('a://'.repeat(32_000));
    scrubber.scrub('://'.repeat(32_000));
  });
  expect(spent).toBeLessThan(2_000);
});

function logging(secrets: string[] = []) {
  const destination = new PassThrough();
  const { logger } = createLogger({ service: 'sample', destination, secrets });
  return { logger, line: () => String(destination.read() ?? '') };
}

it('tells an outage without a stack, and anything else with one', () => {
  class AwayError extends Error {
    readonly code = 'away';
  }
  const destination = new PassThrough();
  const isOutage = (error: unknown): boolean => error instanceof AwayError;
  const { logger } = createLogger({ service: 'sample', destination, isOutage });
  logger.error({ err: new AwayError('it is away', { cause: new Error('it hung up') }), act: 'x' }, 'not done');
  logger.error({ err: new Error('unforeseen') }, 'not done');
  const [outage, other] = String(destination.read())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { err: object });
  expect(outage).toMatchObject({ act: 'x', msg: 'not done' });
  expect(outage?.err).toEqual({ type: 'AwayError', message: 'it is away: it hung up', code: 'away' });
  expect(other?.err).toMatchObject({ message: 'unforeseen', stack: expect.stringContaining('logger.test') });
});

describe('trap 30: secrets in logs', () => {
  it('blanks secret fields wherever they stand', () => {
    const { logger, line } = logging();
    const secrets = {
      authorization: 'AAA',
      'x-api-key': 'BBB',
      cookie: 'CCC',
      password: 'DDD',
      token: 'EEE',
      body: 'FFF',
    };
    logger.info({ ...secrets, request: { headers: secrets }, headers: secrets }, 'hello');
    const written = line();
    expect(written).toContain('hello');
    expect(written).not.toMatch(/AAA|BBB|CCC|DDD|EEE|FFF/);
  });

  it.each([
    ['a known secret in the message', 'key=top-"secret"-value', 'top-"secret"-value'],
    ['a bearer token', 'sent Authorization: Bearer abc.def-123', 'abc.def-123'],
    ['the password of a URL', 'cannot reach postgres://app:hunter2@db:5432/x', 'hunter2'],
    ['a key of ours', 'refused psk_0123456789ABCDEFG_secretsecret', 'secretsecret'],
    ['a provider key', 'refused sk-proj-abcdefgh12345678', 'abcdefgh12345678'],
  ])('removes %s', (_name, message, secret) => {
    const { logger, line } = logging(['top-"secret"-value']);
    logger.error({ err: new Error(message, { cause: new Error(message) }) }, message);
    const written = line();
    expect(written).toContain('"level":"error"');
    expect(written).not.toContain(secret);
    expect(written).not.toContain(JSON.stringify(secret).slice(1, -1));
    expect(() => JSON.parse(written)).not.toThrow();
  });

  it('keeps what is not secret', () => {
    const { logger, line } = logging(['abc']);
    logger.info({ route: '/v1/keys/:id', ms: 4 }, 'abc is too short to be a secret; https://example.org/a@b stays');
    expect(JSON.parse(line())).toMatchObject({
      service: 'sample',
      route: '/v1/keys/:id',
      msg: 'abc is too short to be a secret; https://example.org/a@b stays',
    });
  });
});
