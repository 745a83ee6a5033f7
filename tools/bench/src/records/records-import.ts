/** `POST /leads/import`: how long it takes, and what memory the process needs for it, for files of different lengths. */
import { residentMegabytes, startStand } from '@promptsales/stand';
import { processSeconds } from '../gateway-hit/process-time.js';
import { recordsKey } from './records.js';

/** Left alone, Node lets a heap grow for as long as there is memory. One that needs more than this ends. */
const HEAP_MB = 320;
const LENGTHS = [100_000, 300_000];
const SAMPLE_MS = 50;
const LINES_AT_ONCE = 500;

export async function recordsImportBenchmark(): Promise<void> {
  const stand = await startStand({ apis: 1, firstByteMs: 0, nodeOptions: [`--max-old-space-size=${HEAP_MB}`] });
  const [api] = stand.apis;
  if (api === undefined) throw new Error('The stand has no API process.');
  try {
    const key = await recordsKey(stand);
    const rows: Record<string, object> = {};
    for (const leads of LENGTHS) {
      for (const type of ['text/csv', 'application/x-ndjson'] as const) {
        const before = residentMegabytes(api.pid);
        let peak = before;
        const sampling = setInterval(() => (peak = Math.max(peak, residentMegabytes(api.pid))), SAMPLE_MS);
        const cpuBefore = processSeconds(api.pid);
        const began = performance.now();
        const response = await fetch(`${api.address}/leads/import`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': type },
          body: ReadableStream.from(linesOf(leads, type)),
          duplex: 'half',
        });
        const answer = (await response.json()) as { imported?: number };
        const seconds = (performance.now() - began) / 1000;
        const cpuAfter = processSeconds(api.pid);
        const cpu = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
        clearInterval(sampling);
        if (answer.imported !== leads) throw new Error(`Not all were imported: ${JSON.stringify(answer)}`);
        rows[`${leads.toLocaleString('en')} of ${type}`] = {
          seconds: Math.round(seconds * 10) / 10,
          'leads/s': Math.round(leads / seconds),
          'CPU s of the process': cpu === null ? 'unknown' : Math.round(cpu * 10) / 10,
          'memory before, MB': Math.round(before),
          'at most, MB': Math.round(peak),
        };
      }
    }
    console.table(rows);
  } finally {
    await stand.stop();
  }
}

function* linesOf(leads: number, type: 'text/csv' | 'application/x-ndjson'): Generator<Uint8Array> {
  const csv = type === 'text/csv';
  let lines = csv ? ['empresa,contacto,estado,fuente,notas'] : [];
  for (let n = 0; n < leads; n += 1) {
    const lead = {
      empresa: `Distribuidora Peña ${n}, S.A.`,
      contacto: `Ana Pérez ${n}`,
      estado: n % 3 === 0 ? 'nuevo' : 'contactado',
      fuente: 'feria de primavera',
      notas: `Pide una propuesta para ${n % 90} sucursales antes del viernes.`,
    };
    lines.push(
      csv
        ? Object.values(lead)
            .map((cell) => `"${cell}"`)
            .join(',')
        : JSON.stringify(lead),
    );
    if (lines.length < LINES_AT_ONCE) continue;
    yield Buffer.from(`${lines.join('\n')}\n`);
    lines = [];
  }
  yield Buffer.from(lines.join('\n'));
}
