import type { KeyChange, KeyName, KeyNumberChange, KeyWatchChange } from '../usecase/key-ports.ts';
import { idBytes, SERVICE_ORGANIZATION } from './ids.ts';
import type { SqlValue, Write } from './statements.ts';

/** The write that makes a change of keys true. */
export function keyWriteOf(change: KeyChange): Write {
  switch (change.kind) {
    case 'add_key': {
      const { wrapped, knownAnswer, createdAtMs, id, environment, kek, checkValue } = change.key;
      const facts = [wrapped, knownAnswer ?? null, createdAtMs, id, environment, kek, checkValue];
      return { name: 'addKey', values: [...nameValues(change.key), ...facts] };
    }
    case 'add_key_epoch':
      return { name: 'addKeyEpoch', values: [...nameValues(change), change.state, change.atMs] };
    case 'set_key_state': {
      const { from, to, atMs } = change;
      return { name: 'setKeyState', values: [...nameValues(change), from, to, atMs] };
    }
    case 'delete_key':
      return { name: 'deleteKey', values: nameValues(change) };
    case 'rewrap_key': {
      const { key, fromKek } = change;
      return { name: 'rewrapKey', values: [...nameValues(key), key.wrapped, key.kek, fromKek] };
    }
    case 'count_seen_token': {
      const { organization, epoch, atMs } = change;
      return { name: 'countSeenToken', values: [organization, epoch, atMs] };
    }
    case 'reseal_credential': {
      const { apikeyDigest, wrappedSecret, before } = change;
      return { name: 'resealCredential', values: [apikeyDigest, wrappedSecret, before] };
    }
    case 'reseal_watch':
    case 'reindex_watch':
      return watchWriteOf(change);
    case 'save_key_job': {
      const { organization, job, epoch, position, doneCount } = change.job;
      const { startedAtMs, updatedAtMs } = change.job;
      const values = [organization, job, epoch, idBytes(position), doneCount];
      return { name: 'saveKeyJob', values: [...values, startedAtMs, updatedAtMs] };
    }
    case 'end_key_job':
      return { name: 'endKeyJob', values: [change.organization, change.job] };
    case 'add_operator': {
      const { id, name, credentialDigest, createdAtMs } = change.operator;
      return { name: 'addOperator', values: [id, name, credentialDigest, createdAtMs] };
    }
    case 'remove_operator':
      return { name: 'removeOperator', values: [change.operatorId] };
    case 'ask_approval': {
      const { command, requestedBy, requestedAtMs } = change.approval;
      return { name: 'askApproval', values: [command, requestedBy, requestedAtMs] };
    }
    case 'end_approval': {
      const { command, requestedAtMs } = change.approval;
      return { name: 'endApproval', values: [command, requestedAtMs] };
    }
    default:
      return numberWriteOf(change);
  }
}

function watchWriteOf(change: KeyWatchChange): Write {
  const { panid } = change;
  if (change.kind === 'reindex_watch') {
    const { panIndex, nextPanIndex, customIndex } = change;
    const values = [panid, panIndex, nextPanIndex ?? null, customIndex ?? null];
    return { name: 'reindexEntry', values };
  }
  const { part, sealed, before } = change;
  if (part === 'entry') return { name: 'resealEntry', values: [panid, sealed, before] };
  if (part === 'told') return { name: 'resealTold', values: [panid, sealed, before] };
  const position = Number(part.slice('notification:'.length));
  return { name: 'resealNotification', values: [panid, position, sealed, before] };
}

function numberWriteOf(change: KeyNumberChange): Write {
  switch (change.kind) {
    case 'add_replaced_token': {
      const { organization, epoch, token, numberId, atMs } = change;
      const values = [organization, epoch, token, idBytes(numberId), atMs];
      return { name: 'addReplacedToken', values };
    }
    case 'set_number_token': {
      const { organization, id, token, epoch, sealedPan } = change.record;
      const sealed = [sealedPan.dataKeyEpoch, sealedPan.bytes];
      return {
        name: 'setNumberToken',
        values: [organization, idBytes(id), token, epoch, ...sealed],
      };
    }
    case 'reseal_number': {
      const { organization, id, token, sealedPan } = change.record;
      const sealed = [sealedPan.dataKeyEpoch, sealedPan.bytes];
      const unless = [change.fromEpoch, token];
      return { name: 'resealNumber', values: [organization, idBytes(id), ...sealed, ...unless] };
    }
    case 'reseal_card': {
      const { organization, numberId, sequence, sealedDetails } = change.card;
      const sealed = [sealedDetails.dataKeyEpoch, sealedDetails.bytes, change.fromEpoch];
      return { name: 'resealCard', values: [organization, idBytes(numberId), sequence, ...sealed] };
    }
    case 'set_next_pan_index': {
      const { organization, id, nextPanIndex } = change.record;
      const values = [organization, idBytes(id), nextPanIndex ?? null];
      return { name: 'setNextPanIndex', values };
    }
    case 'promote_pan_index':
      return { name: 'promotePanIndex', values: [change.organization, idBytes(change.numberId)] };
    case 'clear_next_pan_index':
      return { name: 'clearNextPanIndex', values: [change.organization, idBytes(change.numberId)] };
  }
}

function nameValues({ organization, purpose, epoch }: KeyName): SqlValue[] {
  return [organization ?? SERVICE_ORGANIZATION, purpose, epoch];
}
