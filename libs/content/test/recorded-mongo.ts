/**
 * MongoDB's side of a conversation as the official driver has it (OP_MSG, MongoDB 8 with Atlas Search): what it was asked is
 * kept, what it answers is what a recorded server answered to such a command.
 */
import { BSON, type Document } from 'mongodb';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

const OP_QUERY = 2004;
const OP_REPLY = 1;
const OP_MSG = 2013;
const HEADER_BYTES = 16;

const HELLO: Document = {
  isWritablePrimary: true,
  ismaster: true,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  localTime: new Date(0),
  logicalSessionTimeoutMinutes: 30,
  connectionId: 1,
  minWireVersion: 0,
  maxWireVersion: 25,
  readOnly: false,
  ok: 1,
};

export class RecordedMongo {
  /** Every command but the greetings and the farewells. */
  readonly commands: Document[] = [];
  /** To be answered to an `aggregate` and a `find`; null: nothing. */
  answer: (command: Document) => Document | null = () => ({ ok: 1 });
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#converse(socket));
  }

  static async start(): Promise<RecordedMongo> {
    const mongo = new RecordedMongo();
    await new Promise<void>((resolve) => mongo.#server.listen(0, '127.0.0.1', resolve));
    return mongo;
  }

  get url(): string {
    return `mongodb://127.0.0.1:${(this.#server.address() as AddressInfo).port}/content?directConnection=true`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #converse(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    let read = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      while (read.length >= HEADER_BYTES && read.length >= read.readInt32LE(0)) {
        const message = read.subarray(0, read.readInt32LE(0));
        read = read.subarray(message.length);
        const reply = this.#reply(message);
        if (reply !== null) socket.write(reply);
      }
    });
  }

  #reply(message: Buffer): Buffer | null {
    const [id, code] = [message.readInt32LE(4), message.readInt32LE(12)];
    if (code === OP_QUERY)
      return envelope(OP_REPLY, id, Buffer.concat([Buffer.alloc(16), one(), BSON.serialize(HELLO)]));
    // Flags, then one section of kind 0: the command.
    const command = BSON.deserialize(message.subarray(HEADER_BYTES + 5));
    const answer = this.#answered(command);
    return answer && envelope(OP_MSG, id, Buffer.concat([Buffer.alloc(5), BSON.serialize(answer)]));
  }

  #answered(command: Document): Document | null {
    const [name = ''] = Object.keys(command);
    if (name === 'hello' || name === 'ismaster') return HELLO;
    if (name === 'endSessions') return { ok: 1 };
    this.commands.push(command);
    return this.answer(command);
  }
}

function one(): Buffer {
  const number = Buffer.alloc(4);
  number.writeInt32LE(1);
  return number;
}

function envelope(code: number, responseTo: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(HEADER_BYTES + body.length, 0);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(code, 12);
  return Buffer.concat([header, body]);
}
