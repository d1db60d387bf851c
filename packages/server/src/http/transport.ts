import type { TlsFiles } from './tls.ts';

/** How connections come in, and how much of them is taken. */
export interface Transport {
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** Whether clients are asked for a certificate; who has to show one is registered with each. */
  readonly clientCertificates: 'asked' | 'none';
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** More connections are closed as they come. */
  readonly connectionsMax: number;
  /** More requests at the same time are answered 503. */
  readonly requestsMax: number;
  /** Time for the headers: who needs longer wants to hold the connection. */
  readonly headersTimeoutMs: number;
  /** Time for all of a request. */
  readonly requestTimeoutMs: number;
}

/** A connection takes some 20 KiB here: 10,000 of them are 200 MiB. */
const CONNECTIONS_MAX = 10_000;

/**
 * A thousand requests under way are far more than a hundred milliseconds of work: whoever comes next
 * is better served by being told at once.
 */
const REQUESTS_MAX = 1_000;

/** Plain HTTP, no proxies: for loopback. */
export const LOOPBACK_TRANSPORT: Transport = {
  tls: undefined,
  clientCertificates: 'none',
  trustedProxies: [],
  connectionsMax: CONNECTIONS_MAX,
  requestsMax: REQUESTS_MAX,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
};
