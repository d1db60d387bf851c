/**
 * Puts together what `pantoken keys` does. It works on the database of a service, beside the nodes
 * that run; they notice.
 *
 * @module
 */
import { createSecretKey } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { KeyTools } from './cli/key-tools.ts';
import type { AuditAction } from './domain/audit-record.ts';
import { Refusal } from './domain/error.ts';
import type { OrganizationNumber } from './domain/organization-number.ts';
import { createCustodyFile, firstCustody } from './keys/custody.ts';
import { backUpKek, type KekBackup, restoreKek } from './keys/kek-backup.ts';
import { makeKekFile } from './keys/kek-change.ts';
import { makeKeyBlock, openTokenKeyBlock, TOKEN_KEY_HEADER } from './keys/key-block.ts';
import { joinComponents, parseComponent } from './keys/key-component.ts';
import { createPrivateFiles, readPrivateFile } from './keys/private-file.ts';
import { createKekFile, readKekFile } from './keys/provider/file.ts';
import { newServiceKeyBytes } from './keys/service-keys.ts';
import { makeUpdaterVault } from './keys/updater-vault.ts';
import {
  custodyFileIn,
  type OpenedHome,
  openHome,
  type ServiceOptions,
  systemClock,
} from './opened-home.ts';
import { makeKeyJobStore, makeOperatorStore, makeServiceSealStore } from './store/key-store.ts';
import type { RequestContext } from './usecase/audit-trail.ts';
import { makeChangeKeks } from './usecase/change-keks.ts';
import { makeCloseKey } from './usecase/close-key.ts';
import { makeDestroyKey } from './usecase/destroy-key.ts';
import { makeDestroyServiceKey } from './usecase/destroy-service-key.ts';
import { makeAuthorize } from './usecase/dual-control.ts';
import { makeExportKey } from './usecase/export-key.ts';
import { makeImportKey } from './usecase/import-key.ts';
import type { KeyAdminDeps } from './usecase/key-admin-deps.ts';
import { nameOfKey } from './usecase/key-changes.ts';
import type { ServicePurpose } from './usecase/key-ports.ts';
import { makeListKeys } from './usecase/list-keys.ts';
import { makeOnRecord, type OnRecord } from './usecase/on-record.ts';
import type { Clock } from './usecase/ports.ts';
import { makeRegisterOperator } from './usecase/register-operator.ts';
import { makeRekeyData } from './usecase/rekey-data.ts';
import { makeRekeyIndex } from './usecase/rekey-index.ts';
import { makeRekeyService, type RekeyServiceDeps } from './usecase/rekey-service.ts';
import { makeRetireEpochs } from './usecase/retire-epochs.ts';
import { makeRetokenize } from './usecase/retokenize.ts';
import { makeRewrapKeys } from './usecase/rewrap-keys.ts';
import { makeRotateKey } from './usecase/rotate-key.ts';

/** Only tests give a clock, or a pause that does not wait. */
export interface KeyToolsSurroundings {
  readonly clock?: Clock;
  readonly pause?: KeyAdminDeps['pause'];
}

/** Opens the keys of a home. @throws {Error} when they cannot be opened: it says why. */
export async function openKeyTools(
  home: string,
  log: Logger,
  options: ServiceOptions,
  surroundings: KeyToolsSurroundings = {},
): Promise<KeyTools> {
  const opened = await openHome(home, log, surroundings.clock ?? systemClock, options);
  const { reader, custody, wrapper, audited } = opened;
  const jobs = makeKeyJobStore(reader);
  const { dualControl: policy } = custody.settings();
  const deps = {
    ...{ ...opened, jobs, newServiceKeyBytes },
    pause: surroundings.pause ?? ((ms: number) => pause(ms)),
    vault: makeUpdaterVault(opened.serviceKeys),
    seals: makeServiceSealStore(reader),
  };
  const dualControl = { ...opened, operators: makeOperatorStore(reader), policy };
  const keks = makeKekFile(custodyFileIn(home), custody, wrapper);
  const changeKeks = makeChangeKeks({ ...deps, keks });
  const onRecord = makeOnRecord({ audited });
  const importKey = makeImportKey(deps);
  const exportKey = makeExportKey(deps);
  /** Of an organization: what is refused before the first change is on record like the rest. */
  const ofOrganization =
    <A extends readonly unknown[], T>(
      action: AuditAction,
      change: (context: RequestContext, organization: OrganizationNumber, ...more: A) => Promise<T>,
    ) =>
    (context: RequestContext, organization: OrganizationNumber, ...more: A): Promise<T> =>
      onRecord(context, action, { organization }, () => change(context, organization, ...more));
  const destroy = makeDestroyKey(deps);
  return {
    context: (who) => ({ who, requestId: opened.random.recordId() }),
    authorize: makeAuthorize(dualControl),
    readSecret: (path) => readPrivateFile(path).trim(),
    list: makeListKeys(deps, keks.settings),
    rotate: ofOrganization('activate_key', makeRotateKey(deps)),
    closeKey: ofOrganization('close_key', makeCloseKey(deps)),
    destroy: (context, request) => {
      const { organization } = request;
      const facts = { organization, key: nameOfKey(request) };
      return onRecord(context, 'destroy_key', facts, () => destroy(context, request));
    },
    retokenize: ofOrganization('retokenize', makeRetokenize(deps)),
    retire: ofOrganization('close_key', makeRetireEpochs(deps)),
    rekeyData: ofOrganization('rekey', makeRekeyData(deps)),
    rekeyIndex: ofOrganization('rekey', makeRekeyIndex(deps)),
    ...serviceKeyTools(opened, deps, onRecord),
    rewrap: makeRewrapKeys({ ...deps, keks }),
    importKey: ofOrganization('import_key', async (context, organization, readBytes) =>
      importKey(context, organization, await readBytes()),
    ),
    parseComponent,
    joinComponents,
    openKeyBlock: (keyBlock, transport) => openTokenKeyBlock(transportKey(transport), keyBlock),
    exportKey: ofOrganization('export_key', (context, organization, epoch, transport) => {
      const key = transportKey(transport);
      const wrap = (bytes: Uint8Array) => makeKeyBlock(key, TOKEN_KEY_HEADER, bytes);
      return exportKey(context, organization, epoch, wrap);
    }),
    operators: makeRegisterOperator(dualControl),
    keks: {
      list: (context) =>
        audited(context, 'list_keys', async (trail) => {
          trail.note({ key: 'key-encryption keys' });
          await trail.commit([]);
          return keks.settings();
        }),
      add: (context, path, howToGet) =>
        changeKeks.add(context, JSON.parse(readPrivateFile(path)), howToGet),
      remove: changeKeks.remove,
    },
    backUp: makeBackUp(home, opened),
    end: opened.close,
  };
}

/** What is done with keys of the service itself. */
function serviceKeyTools(
  { audited, serviceKeys }: OpenedHome,
  deps: RekeyServiceDeps,
  onRecord: OnRecord,
): Pick<KeyTools, 'rekeyService' | 'destroyServiceKey' | 'publicHalves'> {
  const rekey = makeRekeyService(deps);
  const destroy = makeDestroyServiceKey(deps);
  return {
    rekeyService: (context, purpose, ...more) =>
      onRecord(context, 'rekey', ofService(purpose), () => rekey(context, purpose, ...more)),
    destroyServiceKey: (context, purpose, epoch) =>
      onRecord(context, 'destroy_key', ofService(purpose, epoch), () =>
        destroy(context, purpose, epoch),
      ),
    publicHalves: (context, purpose) =>
      audited(context, 'list_keys', async (trail) => {
        trail.note(ofService(purpose));
        await serviceKeys.refresh();
        await trail.commit([]);
        return serviceKeys.publicHalves(purpose);
      }),
  };
}

/** What a record says of a key of the service. */
function ofService(purpose: ServicePurpose, epoch?: number): { readonly key: string } {
  const key = epoch === undefined ? `${purpose} key` : `${purpose} key ${epoch}`;
  return { key: `${key} of the service` };
}

/** Custodians of a key-encryption key that is kept in a file: a sealed copy, and a share for each. */
function makeBackUp(home: string, opened: OpenedHome): KeyTools['backUp'] {
  const { custody } = opened;
  return async (context, folder, shareCount, threshold) => {
    const { environment, current, keyEncryptionKeys } = custody.settings();
    const own = keyEncryptionKeys.find(({ id }) => id === current);
    const { backup, shares } = await opened.audited(context, 'back_up_key', async (trail) => {
      trail.note({ key: `key-encryption key ${current}` });
      if (own?.provider !== 'file') {
        const reason =
          'only a key-encryption key in a file is backed up here: its provider keeps it';
        throw new Refusal('KEY_INPUT_INVALID', { reason });
      }
      const kek = { id: own.id, environment, bytes: readKekFile(own, home) };
      const made = await backUpKek(kek, shareCount, threshold);
      await trail.commit([]);
      return made;
    });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const text = `${JSON.stringify(backup, undefined, 2)}\n`;
    const ofCustodians = shares.map(
      (share, index) => [`share-${index + 1}`, `${share}\n`] as const,
    );
    createPrivateFiles(folder, new Map([['key-encryption-key.backup', text], ...ofCustodians]));
  };
}

/**
 * Puts a key-encryption key back into a new home, from its backup and enough of its shares.
 *
 * @throws {Refusal} `KEY_INPUT_INVALID`
 * @throws {Error} when the home has key-encryption keys already.
 */
export async function restoreHome(
  home: string,
  backupPath: string,
  sharePaths: readonly string[],
): Promise<KekBackup> {
  const backup = JSON.parse(readPrivateFile(backupPath)) as KekBackup;
  const shares = sharePaths.map((path) => readPrivateFile(path).trim());
  const bytes = await restoreKek(backup, shares);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const settings = firstCustody(backup.environment);
  const [first] = settings.keyEncryptionKeys;
  const path = join(home, 'key-encryption-key');
  createKekFile(path, bytes);
  try {
    createCustodyFile(custodyFileIn(home), {
      ...settings,
      current: backup.kek,
      keyEncryptionKeys: first === undefined ? [] : [{ ...first, id: backup.kek }],
    });
  } catch (error) {
    rmSync(path); // Of a home that names other keys it would be none.
    throw error;
  }
  return backup;
}

/** The key both sides of a transport have, in components as well. */
function transportKey(components: readonly Uint8Array[]) {
  return createSecretKey(joinComponents(components));
}
