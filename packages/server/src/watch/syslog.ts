import { connect as connectPlain, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';

/** One message for a collector. */
export interface SyslogMessage {
  readonly atMs: number;
  /** `notice` where somebody was refused, `info` otherwise. */
  readonly severity: 'notice' | 'info';
  /** What happened: up to 32 printable characters without spaces. */
  readonly messageId: string;
  readonly text: string;
}

/** A connection to a syslog collector. */
export interface SyslogSender {
  /** Resolves when there is room for more: a slow collector slows its sender down. */
  send(message: SyslogMessage): Promise<void>;
  /** Resolves when everything has been handed to the network and the other side has closed, too. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** RFC 5424, 6.2.1: facility 13, log audit. */
const FACILITY = 13;
const SEVERITY = { notice: 5, info: 6 } as const;

/**
 * Connects to `tls://host:6514` (RFC 5425) or `tcp://host:601`. Plain TCP shows the records to the
 * network: they hold no card number, but who did what.
 *
 * @param ca certificates in PEM to trust instead of those of the system.
 * @throws {Error} when the URL is another, or nobody answers.
 */
export async function connectSyslog(url: string, ca?: string): Promise<SyslogSender> {
  const target = URL.parse(url);
  const isTls = target?.protocol === 'tls:';
  if (target === null || !(isTls || target.protocol === 'tcp:') || target.hostname === '') {
    throw new Error('a syslog collector is tls://host:port or tcp://host:port');
  }
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const port = Number(target.port || (isTls ? 6514 : 601));
  const socket = isTls
    ? connectTls({ host, port, servername: host, minVersion: 'TLSv1.2', ...(ca && { ca }) })
    : connectPlain({ host, port });
  await untilConnected(socket, isTls ? 'secureConnect' : 'connect');
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  return {
    async send(message) {
      if (failure !== undefined) throw failure;
      if (!socket.write(frame(message))) await untilDrained(socket);
    },
    async close() {
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.end();
      await closed;
      if (failure !== undefined) throw failure;
    },
  };
}

/** RFC 5424, 6, in the octet-counting frame of RFC 5425, 4.3. */
export function frame({ atMs, severity, messageId, text }: SyslogMessage): string {
  const priority = FACILITY * 8 + SEVERITY[severity];
  const at = new Date(atMs).toISOString();
  const message = `<${priority}>1 ${at} ${hostname()} pantoken ${process.pid} ${messageId} - ${text}`;
  return `${Buffer.byteLength(message, 'utf8')} ${message}`;
}

function untilConnected(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => give(new Error('the collector does not answer')));
    socket.once('error', give);
    socket.once(event, () => {
      socket.setTimeout(0);
      socket.off('error', give);
      resolve();
    });
  });
}

function untilDrained(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      socket.off('drain', end).off('error', end).off('close', closed);
      if (error instanceof Error) reject(error);
      else resolve();
    };
    const closed = () => end(new Error('the collector closed the connection'));
    socket.once('drain', end).once('error', end).once('close', closed);
  });
}
