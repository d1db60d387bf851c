import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can hurt what goes through it. */
export interface FaultyProxy {
  readonly port: number;
  /** Cuts every connection, in the middle of whatever it carries. */
  drop(): void;
  /** Holds back everything for so long, in both directions; 0: no more. */
  slow(ms: number): void;
  close(): void;
}

export async function startProxy(targetPort: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>();
  let delayMs = 0;

  function forward(from: Socket, to: Socket): void {
    sockets.add(from);
    // Chunks leave in the order they came, also while the delay changes.
    let last: Promise<unknown> = Promise.resolve();
    from.on('data', (chunk) => {
      const wait = delayMs;
      last = last.then(async () => {
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        to.write(chunk);
      });
    });
    from.on('close', () => {
      sockets.delete(from);
      void last.then(() => to.destroy());
    });
    from.on('error', () => to.destroy());
  }

  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    forward(client, upstream);
    forward(upstream, client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const drop = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port,
    drop,
    slow(ms) {
      delayMs = ms;
    },
    close() {
      drop();
      server.close();
    },
  };
}
