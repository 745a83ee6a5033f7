/**
 * A CSV file of leads as it comes out of many hands, the same each time it is made: about one row in 150 is broken, each in a way
 * of its own, and one in a thousand is unusual and sound.
 */
export class BrokenFile {
  readonly #megabytes: number;
  /** Rows that an import must make. */
  sound = 0;
  /** Where each row that it must refuse begins, from 1. */
  readonly brokenLines: number[] = [];

  constructor(megabytes: number) {
    this.#megabytes = megabytes;
  }

  /** Its bytes, in pieces. What `sound` and `brokenLines` say counts once all of it was made. */
  *bytes(): Generator<Buffer> {
    this.sound = 0;
    this.brokenLines.length = 0;
    let line = 2;
    let held: Buffer[] = [Buffer.from('id,empresa,contacto,estado,notas\r\n')];
    let heldBytes = 0;
    let sent = 0;
    for (let n = 0; sent < this.#megabytes * 1024 * 1024; n += 1) {
      const row = rowOf(n);
      if (row.sound) this.sound += 1;
      else this.brokenLines.push(line);
      line += row.lines;
      held.push(row.bytes);
      heldBytes += row.bytes.length;
      if (heldBytes < PIECE_BYTES) continue;
      const piece = Buffer.concat(held);
      // In the middle of a row.
      yield piece.subarray(0, -7);
      sent += piece.length - 7;
      held = [piece.subarray(-7)];
      heldBytes = 0;
    }
    yield Buffer.concat(held);
  }
}

interface Row {
  readonly bytes: Buffer;
  readonly lines: number;
  readonly sound: boolean;
}

const PIECE_BYTES = 60_000;
const SAME_ID = '0b7c3a52-6f2e-4b0e-9d0a-3f7c5a1f9a10';
const NOTES = 'Pide una propuesta para varias sucursales antes del viernes; llamar por la mañana. '.repeat(11);
const OVERLONG = 'x'.repeat(70_000);

function rowOf(n: number): Row {
  const empresa = `"Distribuidora Peña ${n}, S.A."`;
  const rest = `Ana Pérez ${n},contactado,"${NOTES}"`;
  switch (n % 1000) {
    case 17:
      return broken(`,Monitor 24" ancho ${n},${rest}`);
    case 117:
      return broken(`,${empresa},contactado`);
    case 217:
      return broken(`${n},${empresa},${rest}`);
    case 317:
      return broken(Buffer.from(`,${empresa},${rest}`, 'latin1'));
    case 417:
      // The first of them is sound.
      return { ...broken(`${SAME_ID},${empresa},${rest}`), sound: n === 417 };
    case 517:
      return broken(`,,${rest}`);
    case 617:
      return broken(`,"Comillas sin cerrar ${n},${rest.replaceAll('"', '')}`);
    case 717:
      return { ...broken(`,"Dos ""líneas""\r\n${n}",${rest}`), lines: 2, sound: true };
    case 817:
      return n % 10_000 === 817 ? broken(`,${empresa},${OVERLONG}`) : sound(`,${empresa},${rest}`);
    default:
      return sound(`,${empresa},${rest}`);
  }
}

function sound(text: string): Row {
  return { bytes: Buffer.from(`${text}\r\n`), lines: 1, sound: true };
}

function broken(text: string | Buffer): Row {
  return { bytes: Buffer.concat([Buffer.from(text), Buffer.from('\r\n')]), lines: 1, sound: false };
}
