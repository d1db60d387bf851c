import {
  createPrivateKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import type { Clock, KeyPurpose, WrappedKey } from '../usecase/ports.ts';
import { type KeyWrapper, newKeyBytes } from './key-wrapper.ts';

/** The keys of the service itself, opened. */
export interface ServiceKeys {
  readonly credentialIndex: KeyObject;
  readonly callerSecret: KeyObject;
  readonly accessToken: KeyObject;
  /** RSA-4096, what merchants encrypt requests to. */
  readonly message: KeyObject;
  /** Ed25519, signs checkpoints of the audit log. */
  readonly audit: KeyObject;
}

type ServicePurpose = 'credential-index' | 'caller-secret' | 'access-token' | 'message' | 'audit';

/** RSA-4096 is what the documentation of the account updater's message encryption names. */
const MESSAGE_KEY_BITS = 4096;

/** Makes and wraps the keys of a new service. */
export function newServiceKeys(wrapper: KeyWrapper, clock: Clock): readonly WrappedKey[] {
  const createdAtMs = clock.nowMs();
  const make = (purpose: KeyPurpose, bytes: Uint8Array): WrappedKey => {
    const attributes = { organization: undefined, purpose, epoch: 1, createdAtMs };
    return { ...attributes, wrapped: wrapper.wrap(attributes, bytes), knownAnswer: undefined };
  };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: MESSAGE_KEY_BITS });
  const audit = generateKeyPairSync('ed25519').privateKey;
  return [
    make('credential-index', newKeyBytes()),
    make('caller-secret', newKeyBytes()),
    make('access-token', newKeyBytes()),
    make('message', privateKey.export({ type: 'pkcs8', format: 'der' })),
    make('audit', audit.export({ type: 'pkcs8', format: 'der' })),
  ];
}

/** @throws {Error} when a key is missing or does not open. */
export function openServiceKeys(wrapper: KeyWrapper, stored: readonly WrappedKey[]): ServiceKeys {
  const bytesOf = (purpose: ServicePurpose): Buffer => {
    const key = stored.find((each) => each.organization === undefined && each.purpose === purpose);
    if (key === undefined) throw new Error(`the service has no ${purpose} key`);
    return wrapper.unwrap(key);
  };
  return {
    credentialIndex: createSecretKey(bytesOf('credential-index')),
    callerSecret: createSecretKey(bytesOf('caller-secret')),
    accessToken: createSecretKey(bytesOf('access-token')),
    message: createPrivateKey({ key: bytesOf('message'), type: 'pkcs8', format: 'der' }),
    audit: createPrivateKey({ key: bytesOf('audit'), type: 'pkcs8', format: 'der' }),
  };
}
