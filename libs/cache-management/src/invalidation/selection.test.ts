import { HttpException } from '@nestjs/common';
import { GlobRefusedError, keyspace } from '@promptsales/cache-core';
import { MOST_KEYS, readInvalidation } from './selection.js';

const HASH = 'a'.repeat(64);

function refusal(body: unknown, tenant = 'acme'): { status: number; code: string; detail: string } {
  try {
    readInvalidation(body, tenant);
  } catch (error) {
    if (error instanceof GlobRefusedError) return { status: error.httpStatus, code: error.code, detail: error.message };
    if (!(error instanceof HttpException)) throw error;
    const { code, detail } = error.getResponse() as { code: string; detail: string };
    return { status: error.getStatus(), code, detail };
  }
  throw new Error('it is not refused');
}

describe('what is to be invalidated', () => {
  test('keys are the tenant’s own, however they are written', () => {
    const own = keyspace.appValue.at({ key: 'x' }, 'acme');
    for (const key of ['app:x', 'tenant:acme:app:x']) {
      expect(readInvalidation({ keys: [key] }, 'acme').selection).toEqual({ by: 'keys', refs: [own] });
    }
    const byHash = readInvalidation({ keys: [`llm_cache:${HASH}`] }, 'acme').selection;
    expect(byHash).toEqual({ by: 'keys', refs: [keyspace.llmResponse.at({ hash: HASH }, 'acme')] });
  });

  test('trap 7: another tenant’s key is as if it were not there', () => {
    const { selection } = readInvalidation({ keys: ['tenant:globex:app:x', 'tenant:default:app:x', 'app:y'] }, 'acme');
    expect(selection).toEqual({ by: 'keys', refs: [keyspace.appValue.at({ key: 'y' }, 'acme')] });
  });

  test('a family is taken as a whole, or with the segments that stand beside it', () => {
    expect(readInvalidation({ family: 'app.value' }, 'acme').selection).toMatchObject({
      by: 'family',
      family: { id: 'app.value' },
    });
    expect(readInvalidation({ family: 'api.call', service: 'a:b' }, 'acme').selection).toMatchObject({
      by: 'pattern',
      glob: { text: 'api:call:a%3Ab:*:*', tenant: 'acme' },
    });
    expect(readInvalidation({ family: 'app.value', key: 'a:b' }, 'acme').selection).toEqual({
      by: 'keys',
      refs: [keyspace.appValue.at({ key: 'a:b' }, 'acme')],
    });
    expect(readInvalidation({ family: 'test.connection' }, 'acme').selection).toMatchObject({ by: 'keys' });
  });

  test('defaults to strict, and to doing it', () => {
    expect(readInvalidation({ tags: ['t'] }, 'acme')).toEqual({
      selection: { by: 'tags', tags: ['t'] },
      mode: 'strict',
      dryRun: false,
    });
    expect(readInvalidation({ namespace: 'n', mode: 'eventual', dry_run: true }, 'acme')).toEqual({
      selection: { by: 'namespace', namespace: 'n' },
      mode: 'eventual',
      dryRun: true,
    });
  });

  test.each([
    [[]],
    [null],
    ['app:*'],
    [{}],
    [{ mode: 'strict' }],
    [{ keys: ['app:x'], tags: ['t'] }],
    [{ keys: [] }],
    [{ keys: 'app:x' }],
    [{ keys: [7] }],
    [{ keys: [''] }],
    [{ tags: ['x'.repeat(513)] }],
    [{ namespace: '' }],
    [{ pattern: 7 }],
    [{ pattern: 'app:*', dryRun: true }],
    [{ pattern: 'app:*', mode: 'maybe' }],
    [{ pattern: 'app:*', dry_run: 'yes' }],
    [{ family: 'app.value', key: 7 }],
  ])('%j has another shape', (body) => {
    expect(refusal(body)).toMatchObject({ status: 400, code: 'validation_failed' });
  });

  test.each([
    [{ keys: ['app:*'] }, 'unprocessable'],
    [{ keys: ['nothing:x'] }, 'pattern_refused'],
    [{ keys: ['meta:{app:x}'] }, 'pattern_refused'],
    [{ keys: ['session:u1'] }, 'pattern_refused'],
    [{ pattern: '*' }, 'pattern_refused'],
    [{ pattern: 'tenant:globex:app:*' }, 'pattern_refused'],
    [{ family: 'nothing' }, 'unknown_family'],
    [{ family: 'session' }, 'unprocessable'],
    [{ family: 'app.value', name: 'x' }, 'unprocessable'],
    [{ family: 'lead', uuid: 'x' }, 'unprocessable'],
  ])('%j cannot be carried out', (body, code) => {
    expect(refusal(body)).toMatchObject({ status: 422, code });
  });

  test('a refusal names the bound, and what was meant', () => {
    const keys = Array.from({ length: MOST_KEYS + 1 }, (_, n) => `app:${n}`);
    expect(refusal({ keys })).toMatchObject({ status: 422, detail: expect.stringContaining('10000') });
    expect(refusal({ family: 'app.valeu' }).detail).toContain('app.value');
    expect(refusal({ family: 'leads' }).detail).toContain('lead');
    expect(refusal({ family: 'llm_cache' }).detail).toContain('llm.response');
    expect(refusal({ family: 'zzzzzzzzz' }).detail).toMatch(/There are: .*app\.value.*lead/);
    expect(refusal({ family: 'nope' }).detail).not.toContain('Did you mean');
    expect(refusal({ keys: ['session:u1'] }).detail).toMatch(/^keys\[0\]: .*session/);
  });
});
