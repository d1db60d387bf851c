import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { createSecureContext, type Server as TlsServer } from 'node:tls';
import type { FastifyBaseLogger } from 'fastify';

/** PEM files of the certificate, with its chain, and of its private key. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** RFC 9325: forward secrecy and authenticated encryption only; TLS 1.3 has nothing else. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

const MIN_VERSION = 'TLSv1.2';

/** Certificates are exchanged by renaming as often as by writing, which only looking finds for sure. */
const LOOK_EVERY_MS = 2_000;

/** A handshake that takes longer is somebody who does not want to finish it. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * The TLS options of a server.
 *
 * Who shows a certificate has proven to own its key; whether it is let in is decided by the
 * fingerprint registered for it, so that no authority has to be trusted and none can add a client.
 *
 * @throws {Error} when a file is missing, or the key is not that of the certificate.
 */
export function tlsOptions(files: TlsFiles, clientCertificates: 'asked' | 'none'): ServerOptions {
  return {
    ...readPair(files),
    ciphers: CIPHERS,
    minVersion: MIN_VERSION,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    requestCert: clientCertificates === 'asked',
    rejectUnauthorized: false,
  };
}

/**
 * Takes a new certificate into use when its files change, or when it is told to. Connections that are
 * open go on; a pair that does not fit is left alone and logged.
 *
 * @returns `reload`, and `stop` to look no more.
 */
export function followTlsFiles(
  server: TlsServer,
  files: TlsFiles,
  log: FastifyBaseLogger,
): { reload(): void; stop(): void } {
  function reload(): void {
    try {
      server.setSecureContext({ ...readPair(files), ciphers: CIPHERS, minVersion: MIN_VERSION });
      log.info('the TLS certificate was read anew');
    } catch (err) {
      log.error({ err }, 'the TLS certificate was not changed: its files are not a good pair');
    }
  }
  const paths = [files.certFile, files.keyFile];
  for (const path of paths) {
    watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, (now, before) => {
      if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) reload();
    });
  }
  return {
    reload,
    stop() {
      for (const path of paths) unwatchFile(path);
    },
  };
}

function readPair({ certFile, keyFile }: TlsFiles): { cert: Buffer; key: Buffer } {
  const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  createSecureContext(pair); // Throws when they do not belong together.
  return pair;
}
