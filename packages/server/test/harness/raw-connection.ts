import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A connection that sends requests in one piece, or in two, and reads answers. */
export class RawConnection {
  readonly socket: Socket;
  #text = '';

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#text += chunk;
    });
    this.socket.on('error', () => undefined);
  }

  /** @param isWhole whether it is sent in one piece: what is not goes to Node, and with it the connection. */
  async ask(head: readonly string[], body: string, isWhole = true): Promise<string> {
    const text = `${head.join('\r\n')}\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`;
    if (isWhole) {
      this.socket.write(text + body);
    } else {
      this.socket.write(text);
      await sleep(15);
      this.socket.write(body);
    }
    return this.answer();
  }

  /** The next answer, with all of its body. */
  async answer(): Promise<string> {
    for (;;) {
      const [, length] = /content-length: (\d+)\r\n/i.exec(this.#text) ?? [];
      const size = this.#text.indexOf('\r\n\r\n') + 4 + Number(length);
      if (length !== undefined && this.#text.length >= size) {
        const found = this.#text.slice(0, size);
        this.#text = this.#text.slice(size);
        return found;
      }
      if (this.socket.closed) return this.#text;
      await sleep(2);
    }
  }
}
