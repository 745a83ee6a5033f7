/** What a command answers, and how that looks on the wire (RESP2). */
export type Reply = number | Buffer | null | Status | Failure | readonly Reply[];

export class Status {
  constructor(readonly text: string) {}
}

export class Failure {
  constructor(readonly message: string) {}
}

export const OK = new Status('OK');

export function encodeReply(reply: Reply): Buffer {
  const parts: Buffer[] = [];
  append(parts, reply);
  return Buffer.concat(parts);
}

function append(parts: Buffer[], reply: Reply): void {
  if (reply === null) parts.push(Buffer.from('$-1\r\n'));
  else if (typeof reply === 'number') parts.push(Buffer.from(`:${reply}\r\n`));
  else if (reply instanceof Status) parts.push(Buffer.from(`+${reply.text}\r\n`));
  else if (reply instanceof Failure) parts.push(Buffer.from(`-${reply.message}\r\n`));
  else if (Buffer.isBuffer(reply)) parts.push(Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from('\r\n'));
  else {
    parts.push(Buffer.from(`*${reply.length}\r\n`));
    for (const item of reply) append(parts, item);
  }
}
