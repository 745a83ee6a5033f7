/**
 * A file of a gigabyte, with broken rows, sent to `POST /leads/import` of an API process that somebody else uses meanwhile;
 * broken off half-way, and sent again from its beginning.
 *
 * What must hold: every sound row is made once, every broken one is told with its line, the process needs no more memory than
 * for a small file, and others are answered all the time. How long they wait is said, and is the machine's to decide.
 */
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { residentMegabytes, startStand, type Stand } from '@promptsales/stand';
import { Client } from 'pg';
import { request } from 'undici';
import type { Verdict } from '../verdict.js';
import { BrokenFile } from './broken-file.js';

const IMPORT_ID = 'one-file';
const SAMPLE_MS = 100;
/** Left alone, Node lets a heap grow for as long as there is memory. One that needs more than this ends. */
const HEAP_MEGABYTES = 192;
/** With what lies outside the heap. */
const MOST_MEGABYTES = 448;

interface Imported {
  readonly imported: number;
  readonly rejected: readonly { readonly line: number }[];
  readonly rejected_total: number;
  readonly state: string;
}

interface Sample {
  readonly sentBytes: number;
  readonly megabytes: number;
  readonly status: number;
  readonly answeredMs: number;
}

export async function importChaos(args: readonly string[]): Promise<boolean> {
  const megabytes = megabytesOf(args);
  const stand = await startStand({
    apis: 1,
    firstByteMs: 0,
    nodeOptions: [`--max-old-space-size=${HEAP_MEGABYTES}`],
  });
  try {
    const verdicts = await importing(stand, megabytes);
    for (const { what, holds } of verdicts) console.log(`  ${holds ? '✓' : '✗'} ${what}`);
    return verdicts.every(({ holds }) => holds);
  } finally {
    await stand.stop();
  }
}

function megabytesOf(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { megabytes: { type: 'string', default: '1024' } } });
  const megabytes = Number(values.megabytes);
  if (!(megabytes >= 8)) throw new Error(`--megabytes takes a number from 8, not ${values.megabytes}`);
  return megabytes;
}

async function importing(stand: Stand, megabytes: number): Promise<Verdict[]> {
  const file = new BrokenFile(megabytes);
  const idle = residentMegabytes(pidOf(stand));
  const settled = await brokenOff(stand, file, (megabytes / 2) * 1024 * 1024);
  console.log(`  broken off with ${settled.imported} rows made and ${settled.rejected_total} refused`);
  const began = performance.now();
  const { answer, samples } = await whole(stand, file);
  const seconds = (performance.now() - began) / 1000;
  const made = await countOf(stand);
  const quarters = [0, 1, 2, 3].map((quarter) => mostIn(samples, quarter, (megabytes / 4) * 1024 * 1024));
  const most = Math.max(...samples.map((one) => one.megabytes));
  const answered = samples.filter(({ status }) => status === 200).length;
  const slowest = Math.max(...samples.map(({ answeredMs }) => answeredMs));
  const lines = answer.rejected.map(({ line }) => line);
  console.log(`  sent again: ${megabytes} MB in ${seconds.toFixed(0)} s`);
  return [
    {
      what: `${answer.imported} of ${file.sound} sound rows were made, ${made} are there`,
      holds: answer.state === 'done' && answer.imported === file.sound && made === file.sound,
    },
    {
      what: `${answer.rejected_total} of ${file.brokenLines.length} broken rows were told, with their lines`,
      holds:
        answer.rejected_total === file.brokenLines.length && lines.every((line, at) => line === file.brokenLines[at]),
    },
    {
      what: `${Math.round(most)} MB of memory at most (by quarters of the file ${quarters.join(', ')}), ${Math.round(idle)} before`,
      holds: most <= MOST_MEGABYTES,
    },
    {
      what: `another caller was answered ${answered} of ${samples.length} times meanwhile, in ${Math.round(slowest)} ms at the latest`,
      holds: samples.length > 0 && answered === samples.length,
    },
  ];
}

function mostIn(samples: readonly Sample[], quarter: number, quarterBytes: number): number {
  const within = samples.filter(({ sentBytes }) => Math.floor(sentBytes / quarterBytes) === quarter);
  return Math.round(Math.max(...within.map(({ megabytes }) => megabytes)));
}

/** Sends so much of the file, and is gone. */
async function brokenOff(stand: Stand, file: BrokenFile, bytes: number): Promise<Imported> {
  const leaving = new AbortController();
  function* part(): Generator<Buffer> {
    let sent = 0;
    for (const piece of file.bytes()) {
      if (sent > bytes) leaving.abort();
      yield piece;
      sent += piece.length;
    }
  }
  await send(stand, part(), leaving.signal).then(
    () => {
      throw new Error('The import that was to be broken off came to its end.');
    },
    (error: Error) => {
      if (!leaving.signal.aborted) throw error;
    },
  );
  const seen = await request(`${addressOf(stand)}/leads/imports/${IMPORT_ID}`, { headers: keyOf(stand) });
  return (await seen.body.json()) as Imported;
}

/** Sends all of it, and looks meanwhile at what memory the process has and how long somebody else waits for an answer. */
async function whole(stand: Stand, file: BrokenFile): Promise<{ answer: Imported; samples: Sample[] }> {
  let sentBytes = 0;
  function* counted(): Generator<Buffer> {
    for (const piece of file.bytes()) {
      sentBytes += piece.length;
      yield piece;
    }
  }
  const samples: Sample[] = [];
  const over = new AbortController();
  const sampling = (async () => {
    while (!over.signal.aborted) {
      const began = performance.now();
      const { statusCode: status, body } = await request(`${addressOf(stand)}/leads?limit=1`, {
        headers: keyOf(stand),
      });
      await body.dump();
      const answeredMs = performance.now() - began;
      samples.push({ sentBytes, megabytes: residentMegabytes(pidOf(stand)), status, answeredMs });
      await pause(SAMPLE_MS);
    }
  })();
  try {
    return { answer: await send(stand, counted()), samples };
  } finally {
    over.abort();
    await sampling;
  }
}

async function send(stand: Stand, bytes: Iterable<Buffer>, signal?: AbortSignal): Promise<Imported> {
  const { statusCode, body } = await request(`${addressOf(stand)}/leads/import`, {
    method: 'POST',
    headers: { ...keyOf(stand), 'content-type': 'text/csv', 'idempotency-key': IMPORT_ID },
    body: Readable.from(bytes),
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(signal === undefined ? {} : { signal }),
  });
  if (statusCode !== 200) throw new Error(`The import was answered ${statusCode}: ${await body.text()}`);
  return (await body.json()) as Imported;
}

async function countOf({ postgres }: Stand): Promise<number> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  const { rows } = await client.query<{ count: string }>('select count(*) from leads');
  await client.end();
  return Number(rows[0]?.count);
}

function keyOf({ adminKey }: Stand): Record<string, string> {
  return { authorization: `Bearer ${adminKey}` };
}

function addressOf({ apis: [api] }: Stand): string {
  return String(api?.address);
}

function pidOf({ apis: [api] }: Stand): number {
  return Number(api?.pid);
}
