import {
  createPrivateKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import type { Clock, KeyPurpose, KeyRecord, WrappedKey } from '../usecase/ports.ts';
import { type KeyWrapper, newKeyBytes } from './key-wrapper.ts';

/** The keys of the service itself, opened. */
export interface ServiceKeys {
  readonly credentialIndex: KeyObject;
  readonly callerSecret: KeyObject;
  readonly accessToken: KeyObject;
  readonly updaterIndex: KeyObject;
  readonly updaterData: KeyObject;
  /** Ed25519, signs notifications. */
  readonly updaterSigning: KeyObject;
  /** RSA-4096, what merchants encrypt requests to. */
  readonly message: KeyObject;
  /** Ed25519, signs checkpoints of the audit log. */
  readonly audit: KeyObject;
}

type ServicePurpose =
  | 'credential-index'
  | 'caller-secret'
  | 'access-token'
  | 'updater-index'
  | 'updater-data'
  | 'updater-signing'
  | 'audit'
  | 'message';

/** RSA-4096 is what the documentation of the account updater's message encryption names. */
const MESSAGE_KEY_BITS = 4096;

/** Makes and wraps the keys of a new service. */
export async function newServiceKeys(
  wrapper: KeyWrapper,
  clock: Clock,
): Promise<readonly WrappedKey[]> {
  const createdAtMs = clock.nowMs();
  const make = (purpose: KeyPurpose, bytes: Uint8Array): Promise<WrappedKey> => {
    const name = { organization: undefined, purpose, epoch: 1 };
    return wrapper.wrap({ ...name, createdAtMs, knownAnswer: undefined }, bytes);
  };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: MESSAGE_KEY_BITS });
  const signing = generateKeyPairSync('ed25519');
  const audit = generateKeyPairSync('ed25519').privateKey;
  return Promise.all([
    make('credential-index', newKeyBytes()),
    make('caller-secret', newKeyBytes()),
    make('access-token', newKeyBytes()),
    make('updater-index', newKeyBytes()),
    make('updater-data', newKeyBytes()),
    make('updater-signing', signing.privateKey.export({ type: 'pkcs8', format: 'der' })),
    make('message', privateKey.export({ type: 'pkcs8', format: 'der' })),
    make('audit', audit.export({ type: 'pkcs8', format: 'der' })),
  ]);
}

/** @throws {Error} when a key is missing, does not open, or its provider is gone. */
export async function openServiceKeys(
  wrapper: KeyWrapper,
  stored: readonly KeyRecord[],
): Promise<ServiceKeys> {
  const bytesOf = (purpose: ServicePurpose): Promise<Buffer> => {
    const own = (each: KeyRecord) => each.organization === undefined && each.purpose === purpose;
    const key = stored.find(own)?.key;
    if (key === undefined) throw new Error(`the service has no ${purpose} key`);
    return wrapper.unwrap(key);
  };
  return {
    credentialIndex: createSecretKey(await bytesOf('credential-index')),
    callerSecret: createSecretKey(await bytesOf('caller-secret')),
    accessToken: createSecretKey(await bytesOf('access-token')),
    updaterIndex: createSecretKey(await bytesOf('updater-index')),
    updaterData: createSecretKey(await bytesOf('updater-data')),
    updaterSigning: createPrivateKey({
      key: await bytesOf('updater-signing'),
      type: 'pkcs8',
      format: 'der',
    }),
    message: createPrivateKey({ key: await bytesOf('message'), type: 'pkcs8', format: 'der' }),
    audit: createPrivateKey({ key: await bytesOf('audit'), type: 'pkcs8', format: 'der' }),
  };
}
