import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RequestContext } from '../usecase/audit-trail.ts';
import type { CloseKey } from '../usecase/close-key.ts';
import type { DestroyKey } from '../usecase/destroy-key.ts';
import type { DestroyServiceKey } from '../usecase/destroy-service-key.ts';
import type { Authorize } from '../usecase/dual-control.ts';
import type { ImportKey } from '../usecase/import-key.ts';
import type { ListKeys } from '../usecase/list-keys.ts';
import type { RegisterOperator } from '../usecase/register-operator.ts';
import type { Rekey } from '../usecase/rekey-data.ts';
import type { RekeyService } from '../usecase/rekey-service.ts';
import type { RetireEpochs } from '../usecase/retire-epochs.ts';
import type { Retokenize } from '../usecase/retokenize.ts';
import type { RewrapKeys } from '../usecase/rewrap-keys.ts';
import type { RotateKey } from '../usecase/rotate-key.ts';

/** A key-encryption key as the command line shows it. */
export interface ShownKek {
  readonly id: string;
  readonly provider: string;
}

/** A component of a key, and what its custodian compares. */
export interface Component {
  readonly bytes: Uint8Array;
  readonly checkValue: string;
}

/** What the commands of keys need of the rest of the program. Secrets are named by their files. */
export interface KeyTools {
  context(who: string): RequestContext;
  readonly authorize: Authorize;
  readSecret(path: string): string;
  readonly list: ListKeys;
  readonly rotate: RotateKey;
  readonly closeKey: CloseKey;
  readonly destroy: DestroyKey;
  readonly retokenize: Retokenize;
  readonly retire: RetireEpochs;
  readonly rekeyData: Rekey;
  readonly rekeyIndex: Rekey;
  readonly rekeyService: RekeyService;
  readonly destroyServiceKey: DestroyServiceKey;
  /** On record, as everything. */
  publicHalves(
    context: RequestContext,
    purpose: 'message' | 'updater-signing' | 'audit',
  ): Promise<readonly { readonly epoch: number; readonly state: string; readonly pem: string }[]>;
  readonly rewrap: RewrapKeys;
  importKey(
    context: RequestContext,
    organization: OrganizationNumber,
    /** Asked for once the command may be given; what is refused there is on record, too. */
    readBytes: () => Promise<Uint8Array>,
  ): ReturnType<ImportKey>;
  parseComponent(text: string, demand: 'with check value' | 'or without'): Component;
  joinComponents(components: readonly Uint8Array[]): Uint8Array;
  openKeyBlock(keyBlock: string, transport: readonly Uint8Array[]): Uint8Array;
  exportKey(
    context: RequestContext,
    organization: OrganizationNumber,
    epoch: number,
    transport: readonly Uint8Array[],
  ): Promise<{ readonly keyBlock: string; readonly checkValue: string }>;
  readonly operators: RegisterOperator;
  readonly keks: {
    list(
      context: RequestContext,
    ): Promise<{ readonly current: string; readonly keyEncryptionKeys: readonly ShownKek[] }>;
    add(context: RequestContext, settingsPath: string, howToGet: 'create' | 'use'): Promise<void>;
    remove(context: RequestContext, id: string): Promise<void>;
  };
  backUp(
    context: RequestContext,
    folder: string,
    shareCount: number,
    threshold: number,
  ): Promise<void>;
  end(): Promise<void>;
}

/** How the commands get at the keys. */
export interface KeyToolsSource {
  open(home: string): Promise<KeyTools>;
  /** Puts a key-encryption key back into a new home. @returns what it is. */
  restore(
    home: string,
    backupPath: string,
    sharePaths: readonly string[],
  ): Promise<{ readonly kek: string; readonly environment: string; readonly checkValue: string }>;
}
