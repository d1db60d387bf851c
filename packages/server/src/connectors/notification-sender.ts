import { lookup as dnsLookup } from 'node:dns';
import { request } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { NotificationSender } from '../usecase/watch-ports.ts';

export interface NotificationSenderOptions {
  /** Hosts that may be on a private network; PEM of further authorities that are trusted. */
  readonly allowedHosts: readonly string[];
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
  /** How names are resolved, and which addresses are public; left out: as on this machine, and by the lists here. */
  readonly resolve?: typeof dnsLookup;
  readonly isPublic?: (address: string) => boolean;
  /** Signs a message (RFC 9421): the headers to add. */
  sign(url: URL, body: string, requestId: string): Promise<Readonly<Record<string, string>>>;
}

/** What a receiver may answer: an acknowledgement, or the answer to a challenge. */
const REPLY_BYTES_MAX = 4_096;

/** Addresses that are nobody's public server: IANA's special-purpose registries (RFC 6890). */
const PRIVATE = new BlockList();
for (const [address, prefix] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
  ] as const),
  ...([
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
  ] as const),
  ...([
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
  ] as const),
  ...([
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
] as const) {
  PRIVATE.addSubnet(address, prefix, 'ipv4');
}

/** IPv6 is taken from global unicast only, less what embeds an IPv4 address or is for documents. */
const GLOBAL_IPV6 = new BlockList();
GLOBAL_IPV6.addSubnet('2000::', 3, 'ipv6');
const EXCLUDED_IPV6 = new BlockList();
for (const [address, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const) {
  EXCLUDED_IPV6.addSubnet(address, prefix, 'ipv6');
}

/** Whether an address is one that a notification may be sent to. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !PRIVATE.check(address, 'ipv4');
  if (family !== 6) return false;
  return GLOBAL_IPV6.check(address, 'ipv6') && !EXCLUDED_IPV6.check(address, 'ipv6');
}

/**
 * Sends notifications over verified TLS: redirects are not followed, and the address that a name was
 * resolved to is the one that is checked and connected to, so that it cannot change in between.
 */
export function makeNotificationSender(options: NotificationSenderOptions): NotificationSender {
  return {
    async send({ notificationUrl, notificationSigned }, { requestId, body }) {
      if (notificationUrl === undefined) return { isDelivered: false, outcome: 'no_url' };
      const url = new URL(notificationUrl);
      const isAllowed = options.allowedHosts.includes(url.hostname);
      const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
      if (!isAllowed && isIP(literal) !== 0 && !isPublicAddress(literal)) {
        return { isDelivered: false, outcome: 'private_address' };
      }
      try {
        const headers = {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'x-request-id': requestId,
          ...(notificationSigned && (await options.sign(url, body, requestId))),
        };
        const reply = await post(url, body, headers, options, isAllowed);
        const outcome = `HTTP ${reply.status}`;
        return { isDelivered: reply.status === 200, outcome, body: reply.body };
      } catch (error) {
        return { isDelivered: false, outcome: wordOf(error) };
      }
    },
  };
}

/** Resolves a name once and refuses what is not public; what it gives is what is connected to. */
function lookingUpPublic({
  resolve = dnsLookup,
  isPublic = isPublicAddress,
}: NotificationSenderOptions): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublic(address))) {
        const refused: NodeJS.ErrnoException = new Error('the name leads to a private address');
        refused.code = 'private_address';
        return callback(refused, '', 0);
      }
      if (options.all === true) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };
}

function post(
  url: URL,
  body: string,
  headers: Readonly<Record<string, string>>,
  sending: NotificationSenderOptions,
  isAllowed: boolean,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { ca, timeoutMs } = sending;
    const signal = AbortSignal.timeout(timeoutMs);
    const tls = { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) } as const;
    const place = { method: 'POST', agent: false, headers, signal } as const;
    const resolving = isAllowed ? {} : { lookup: lookingUpPublic(sending) };
    const sent = request(url, { ...tls, ...place, ...resolving }, (response) => {
      const parts: Buffer[] = [];
      let byteCount = 0;
      response.on('data', (part: Buffer) => {
        byteCount += part.length;
        if (byteCount <= REPLY_BYTES_MAX) parts.push(part);
        else response.destroy();
      });
      response.on('error', reject);
      response.on('close', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What went wrong, in one word of Node's own: never what was sent or received. */
function wordOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout';
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : 'unknown';
}
