import fc from 'fast-check';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import type { IncomingCall } from '../src/proxy/call.js';
import { understood } from '../src/proxy/understood.js';
import { foundOf, isSelectedBy, reuse } from '../src/proxy/found.js';
import { placeOf } from '../src/proxy/places.js';
import { Fields } from '../src/rules/fields.js';
import { lifetimeOf } from '../src/rules/freshness.js';
import { objectionTo, storedFields } from '../src/rules/storing.js';
import { selectionOf, varyNames } from '../src/rules/variants.js';
import type { Stored } from '../src/stored/stored-answer.js';
import { ask } from './ask.js';
import { startOrigin, type Origin } from './origin.js';
import { ANSWER_LINES, KEPT_APART, ownerOf, requestLines, type KeptApart, type Principal } from './private-origin.js';
import { service, startProxy, type ProxyServer } from './proxy-server.js';

const PRINCIPALS: readonly Principal[] = [
  { name: 'ana', tenant: 'acme' },
  { name: 'eva', tenant: 'acme' },
  { name: 'ivo', tenant: 'other' },
];
const PATHS = 3;
const ttl = 3600;

const steps = (length: number) =>
  fc.array(
    fc.record({
      who: fc.constantFrom(...PRINCIPALS),
      kind: fc.constantFrom(...KEPT_APART),
      path: fc.nat(PATHS - 1),
      noCache: fc.boolean(),
    }),
    { minLength: length, maxLength: length },
  );

describe('trap 7: nobody sees what is somebody else’s', () => {
  it('over 100,000 random requests, by the decisions that are made', () => {
    const target = service('http://crm.internal', { forwardAuthorization: true, ttl });
    let requests = 0;
    let reused = 0;
    fc.assert(
      fc.property(steps(1000), (all) => {
        const store = new Map<string, Stored>();
        for (const { who, kind, path, noCache } of all) {
          requests += 1;
          const asked = understood(callOf(who, kind, path, noCache));
          const { owner, fromCache } = step(store, asked, ownerOf(kind, who), kind);
          reused += fromCache ? 1 : 0;
          expect(owner).toBe(ownerOf(kind, who));
        }
      }),
      { numRuns: 100 },
    );
    expect(requests).toBeGreaterThanOrEqual(100_000);
    // It is no proof of anything if nothing is ever reused.
    expect(reused).toBeGreaterThan(requests / 10);

    function callOf(who: Principal, kind: KeptApart, path: number, noCache: boolean): IncomingCall {
      return {
        tenant: who.tenant,
        service: target,
        method: 'GET',
        rest: `/${kind}/${path}`,
        fields: new Fields([
          ['X-Api-Key', `key of ${who.name}`],
          ...requestLines(kind, who),
          ...(noCache ? ([['Cache-Control', 'no-cache']] as const) : []),
        ]),
        body: null,
        keyInAuthorization: false,
        left: new AbortController().signal,
      };
    }
  });

  describe('over real requests in two processes', () => {
    let redis: TestRedis;
    let origin: Origin;
    let processes: ProxyServer[];

    beforeAll(async () => {
      redis = await startRedis();
      origin = await startOrigin();
      const services = [service(origin.url, { forwardAuthorization: true, ttl })];
      processes = await Promise.all([1, 2].map(() => startProxy(redis.url, { services })));
    });

    afterAll(async () => {
      await Promise.all(processes?.map((one) => one.close()) ?? []);
      await origin?.close();
      await redis?.stop();
    });

    it('at the same time', async () => {
      // The service knows who asks by what it is sent in the test's own header, which no rule of caches knows of.
      origin.handler = (request, response) => {
        const [, kind = ''] = (request.url ?? '').split('/');
        for (const [name, value] of ANSWER_LINES[kind as KeptApart]) response.setHeader(name, value);
        response.end(String(request.headers['x-owner']));
      };
      let run = 0;
      await fc.assert(
        fc.asyncProperty(steps(300), async (all) => {
          run += 1;
          const answers = await Promise.all(
            all.map(async ({ who, kind, path, noCache }, at) => {
              const process = processes[at % processes.length] as ProxyServer;
              const owner = ownerOf(kind, who);
              const headers = {
                'x-api-key': 'k',
                'x-test-tenant': who.tenant,
                'x-owner': owner,
                ...Object.fromEntries(requestLines(kind, who)),
                ...(noCache ? { 'cache-control': 'no-cache' } : {}),
              };
              const { body, status } = await ask(`${process.url}/proxy/origin/${kind}/${run}/${path}`, { headers });
              return { kind, status, saw: body, owner };
            }),
          );
          for (const { kind, status, saw, owner } of answers) expect([kind, status, saw]).toEqual([kind, 200, owner]);
        }),
        { numRuns: 8 },
      );
    });
  });
});

/** What a look-up and an exchange decide, on a store of the test's own: whose answer the caller gets. */
function step(
  store: Map<string, Stored>,
  asked: ReturnType<typeof understood>,
  owner: string,
  kind: KeptApart,
): { readonly owner: string; readonly fromCache: boolean } {
  const uri = placeOf(asked, null);
  let ref = uri;
  let stored = store.get(ref.key);
  if (stored?.kind === 'variants') {
    ref = placeOf(asked, stored);
    stored = store.get(ref.key);
  }
  if (stored?.kind === 'answer') {
    const found = foundOf(stored, 0, asked);
    if (reuse(found, asked) === 'fresh') return { owner: stored.body.toString(), fromCache: true };
  }
  const now = Date.now();
  const fields = new Fields(ANSWER_LINES[kind]);
  const lifetime = lifetimeOf(200, fields, asked.lifetime, now);
  const request = { fields: asked.fields, noStore: asked.terms.noStore };
  if (objectionTo({ status: 200, fields, lifetime, request, receivedAtMs: now, part: false }) === null) {
    const names = varyNames(fields) ?? [];
    const answer: Stored = {
      kind: 'answer',
      status: 200,
      reason: 'OK',
      fields: storedFields(fields),
      body: Buffer.from(owner),
      initialAgeMs: 0,
      lifetimeSeconds: lifetime.seconds,
      lifetimeSource: lifetime.source,
      selecting: selectionOf(asked.fields, names),
    };
    // Whoever waited for it gets it as well, where he would have selected it.
    expect(isSelectedBy(answer, asked.fields)).toBe(true);
    if (names.length === 0) store.set(uri.key, answer);
    else {
      const before = store.get(uri.key);
      const variants: Stored =
        before?.kind === 'variants' ? before : { kind: 'variants', names, generation: String(store.size) };
      store.set(uri.key, variants);
      store.set(placeOf(asked, variants).key, answer);
    }
  }
  return { owner, fromCache: false };
}
