import { lookup as resolve } from 'node:dns';
import { type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** A URL of the operator's choice that is told something. */
export interface Webhook {
  /** Resolves when the other side has answered with a status of 200 to 299. */
  post(contentType: string, body: string): Promise<void>;
}

const TIMEOUT_MS = 5_000;

/**
 * Addresses that no receiver of ours has: cloud metadata and the rest of the link-local networks,
 * unspecified, multicast. Private networks are allowed, since that is where collectors are.
 */
const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet('169.254.0.0', 16, 'ipv4');
FORBIDDEN.addSubnet('0.0.0.0', 8, 'ipv4');
FORBIDDEN.addSubnet('224.0.0.0', 3, 'ipv4');
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6');
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6');
FORBIDDEN.addAddress('::', 'ipv6');
FORBIDDEN.addAddress('fd00:ec2::254', 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * A webhook that cannot be turned against the network it runs in: `https`, or `http` to this machine
 * only; the address is checked after the name was resolved, and it is the one that is connected to;
 * redirects are not followed, and nothing of the answer is read but its status.
 *
 * @throws {Error} when the URL may not be used.
 */
export function makeWebhook(url: string): Webhook {
  const { target, isPlain } = parseWebhookUrl(url);
  const options: RequestOptions = {
    method: 'POST',
    timeout: TIMEOUT_MS,
    agent: false,
    lookup: checkedLookup(isPlain),
  };
  return {
    post: (contentType, body) =>
      new Promise((resolvePost, reject) => {
        const headers = {
          'content-type': contentType,
          'content-length': Buffer.byteLength(body),
        };
        const send = isPlain ? requestHttp : requestHttps;
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const sent = send(target, { ...options, headers, signal }, (response) => {
          const { statusCode = 0 } = response;
          response.destroy();
          if (statusCode >= 200 && statusCode <= 299) resolvePost();
          else reject(new Error(`the webhook answered with status ${statusCode}`));
        });
        sent.once('error', reject);
        sent.end(body);
      }),
  };
}

/** @throws {Error} that does not repeat the URL: it may hold a secret. */
export function parseWebhookUrl(url: string): { target: URL; isPlain: boolean } {
  const target = URL.parse(url);
  if (target === null) throw new Error('a webhook is not a URL');
  if (target.username !== '' || target.password !== '') {
    throw new Error('a webhook URL must not hold credentials');
  }
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  if (family !== 0 && isForbidden(host)) throw new Error('a webhook may not go to that address');
  const isPlain = target.protocol === 'http:';
  const isLocal = host === 'localhost' || (family !== 0 && isLoopback(host));
  if (isPlain && !isLocal) throw new Error('a webhook beyond this machine needs https');
  if (!isPlain && target.protocol !== 'https:') throw new Error('a webhook needs https');
  return { target, isPlain };
}

/** The look-up of the connection itself, so that what is checked is what is connected to. */
function checkedLookup(isLoopbackOnly: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const good = addresses.filter(
        ({ address }) => !isForbidden(address) && (!isLoopbackOnly || isLoopback(address)),
      );
      const [first] = good;
      if (first === undefined)
        return callback(new Error('a webhook may not go to that address'), []);
      if (options.all) callback(null, good);
      else callback(null, first.address, first.family);
    });
  };
}

function isForbidden(address: string): boolean {
  return check(FORBIDDEN, address);
}

function isLoopback(address: string): boolean {
  return check(LOOPBACK, address);
}

/** An IPv4 address inside of an IPv6 one (::ffff:a.b.c.d) is checked as what it is. */
function check(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
