/** The parser that ioredis itself uses: a request is an array of bulk strings, and so reads as a reply. */
declare module 'redis-parser' {
  export default class Parser {
    constructor(options: {
      returnBuffers: true;
      returnReply(reply: Buffer[]): void;
      returnError(error: Error): void;
      returnFatalError?(error: Error): void;
    });
    execute(bytes: Buffer): void;
  }
}
