import { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';

/**
 * A client whose socket we hold, so that it can be cut. Ending a client the regular way says good-bye and waits, which against
 * a frozen or vanished server is for ever.
 */
export class SocketClient extends Client {
  readonly #socket: Socket;

  constructor(config: ClientConfig) {
    const socket = new Socket();
    super({ ...config, stream: () => socket });
    this.#socket = socket;
  }

  /** Cuts the connection now. Whatever was under way fails as "Connection terminated". */
  cut(): void {
    this.#socket.destroy();
  }
}
