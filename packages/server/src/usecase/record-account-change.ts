import type { AccountChange } from '../domain/account-change.ts';
import type { NumberRecord } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { Expiry } from '../domain/expiry.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Pan } from '../domain/pan.ts';
import type { Audited, RequestContext, Trail } from './audit-trail.ts';
import { demandCard } from './card-details.ts';
import {
  type CardReference,
  demandRecord,
  type FindNumberDeps,
  findByReference,
} from './find-number.ts';
import { addAccountChange, demandCurrentAt, RACE_LIMIT, readLineage } from './lineage.ts';
import type { MakeNumberDeps } from './make-number.ts';
import type { Change } from './ports.ts';
import { planReplacement } from './replace-number.ts';

/** What an issuer tells of a card, and by which name it will know the message again. */
export type AccountChangeRequest = {
  readonly organization: OrganizationNumber;
  /** 1 to 64 characters, once in an organization. */
  readonly reference: string;
} & (
  | { readonly kind: 'correction'; readonly corrects: string }
  | ({
      readonly card: CardReference;
      /** Left out: now. */
      readonly effectiveAtMs?: number | undefined;
    } & (
      | { readonly kind: 'replaced'; readonly newPan: Pan; readonly newExpiry?: Expiry | undefined }
      | { readonly kind: 'renewed'; readonly sequence: number; readonly expiry: Expiry }
      | { readonly kind: 'stop_advice'; readonly merchantId: string }
      | { readonly kind: 'closed' | 'contact_cardholder' | 'opted_out' | 'opted_in' }
    ))
);

/** `already_recorded`: the same message came before; nothing was written. */
export type AccountChangeOutcome = 'recorded' | 'already_recorded';

export type RecordAccountChange = (
  context: RequestContext,
  request: AccountChangeRequest,
) => Promise<AccountChangeOutcome>;

export type RecordAccountChangeDeps = FindNumberDeps &
  MakeNumberDeps & { readonly audited: Audited };

/** What is to be written, or where it stands already. */
export type Plan = { readonly change: AccountChange; readonly changes: readonly Change[] };

/**
 * Records what an issuer tells of one of its cards: once, however often it is sent.
 *
 * @throws {Refusal} those of finding the card; `CARD_REPLACED`, `CARD_CLOSED`, `CARD_NOT_FOUND`,
 *   `PAN_OUTSIDE_BIN_RANGES`, `PAN_LENGTH_NOT_SERVED`, `LINEAGE_LOOP`, `NEW_EXPIRY_DIFFERS`,
 *   `MERCHANT_NOT_FOUND`, `CHANGE_NOT_FOUND`, `CHANGE_NOT_CORRECTABLE`, `REFERENCE_REUSED`,
 *   `CARD_BUSY`, `TOKENS_EXHAUSTED`
 */
export function makeRecordAccountChange(deps: RecordAccountChangeDeps): RecordAccountChange {
  return (context, request) =>
    deps.audited(context, 'change_account', async (trail) => {
      trail.note({ organization: request.organization, change: request.kind });
      demandRecord(deps.directory, request.organization);
      for (let tries = 0; tries < RACE_LIMIT; tries++) {
        const known = await findChange(deps, request.organization, request.reference);
        if (known !== undefined) {
          await demandSame(deps, known, request, trail);
          await trail.commit([]);
          return 'already_recorded';
        }
        const { changes } = await plan(deps, request, trail);
        const outcome = await trail.commit(changes);
        if (outcome.committed) return 'recorded';
        // Somebody changed the lineage first, or sent the same, or a drawn token was taken.
      }
      throw new Refusal('CARD_BUSY');
    });
}

function plan(
  deps: RecordAccountChangeDeps,
  request: AccountChangeRequest,
  trail: Trail,
): Promise<Plan> {
  return request.kind === 'correction'
    ? planCorrection(deps, request)
    : planFact(deps, request, trail);
}

type FactRequest = Exclude<AccountChangeRequest, { kind: 'correction' }>;

async function planFact(
  deps: RecordAccountChangeDeps,
  request: FactRequest,
  trail: Trail,
): Promise<Plan> {
  const { cards, clock } = deps;
  const organization = demandRecord(deps.directory, request.organization);
  const { record } = await findByReference(deps, organization, request.card, trail);
  const effectiveAtMs = request.effectiveAtMs ?? clock.nowMs();
  if (request.kind === 'replaced') {
    return planReplacement(deps, organization, record, {
      ...request,
      referenceIndex: deps.keyring.referenceIndex(request.organization, request.reference),
      effectiveAtMs,
    });
  }
  if (request.kind === 'renewed') {
    const { nextPosition } = await demandCurrentAt(cards, record, effectiveAtMs);
    await demandCard(cards, record, request.sequence);
    return single(deps, {
      ...envelope(deps, request, effectiveAtMs),
      ...{ lineage: record.lineage, position: nextPosition, numberId: record.id },
      ...{ sequence: request.sequence, expiry: request.expiry },
    });
  }
  const isStop = request.kind === 'stop_advice';
  if (isStop) demandMerchant(deps, request.merchantId);
  // It is about the number that is the newest one on that day.
  const state = await readLineage(cards, record, effectiveAtMs);
  return single(deps, {
    ...envelope(deps, request, effectiveAtMs),
    lineage: state.newestLineage,
    position: state.nextPosition,
    numberId: state.newestNumberId,
    ...(isStop && { merchantId: request.merchantId }),
  });
}

/** @throws {Refusal} `CHANGE_NOT_FOUND`, `CHANGE_NOT_CORRECTABLE` */
async function planCorrection(
  deps: RecordAccountChangeDeps,
  request: Extract<AccountChangeRequest, { kind: 'correction' }>,
): Promise<Plan> {
  const wrong = await findChange(deps, request.organization, request.corrects);
  if (wrong === undefined) throw new Refusal('CHANGE_NOT_FOUND');
  const log = await deps.cards.listChanges(wrong.organization, wrong.lineage);
  const isCorrected = log.some(({ corrects }) => corrects === wrong.position);
  if (wrong.kind === 'correction' || isCorrected) throw new Refusal('CHANGE_NOT_CORRECTABLE');
  return single(deps, {
    ...envelope(deps, request, deps.clock.nowMs()),
    lineage: wrong.lineage,
    position: (log.at(-1)?.position ?? 0) + 1,
    numberId: wrong.numberId,
    corrects: wrong.position,
  });
}

function findChange(
  { cards, keyring }: RecordAccountChangeDeps,
  organization: OrganizationNumber,
  reference: string,
): Promise<AccountChange | undefined> {
  const index = keyring.referenceIndex(organization, reference);
  return cards.findChangeByReference(organization, index);
}

function envelope(
  { clock, keyring }: RecordAccountChangeDeps,
  { organization, reference, kind }: AccountChangeRequest,
  effectiveAtMs: number,
) {
  const referenceIndex = keyring.referenceIndex(organization, reference);
  return { organization, referenceIndex, kind, effectiveAtMs, recordedAtMs: clock.nowMs() };
}

async function single(deps: RecordAccountChangeDeps, change: AccountChange): Promise<Plan> {
  return { change, changes: await addAccountChange(deps, change) };
}

/** @throws {Refusal} `MERCHANT_NOT_FOUND` */
function demandMerchant({ directory }: RecordAccountChangeDeps, merchantId: string): void {
  if (directory.findMerchantById(merchantId) === undefined) {
    throw new Refusal('MERCHANT_NOT_FOUND');
  }
}

/**
 * Whether a message is the one that is recorded under its reference. The day counts only where the
 * sender gave one, and the number by what it leads to: numbers are not kept with the change.
 *
 * @throws {Refusal} `REFERENCE_REUSED`
 */
async function demandSame(
  deps: RecordAccountChangeDeps,
  known: AccountChange,
  request: AccountChangeRequest,
  trail: Trail,
): Promise<void> {
  const same =
    known.kind === request.kind &&
    (request.kind === 'correction'
      ? await correctsSame(deps, known, request.corrects)
      : await isSameFact(deps, known, request, trail));
  if (!same) throw new Refusal('REFERENCE_REUSED');
}

async function correctsSame(
  deps: RecordAccountChangeDeps,
  known: AccountChange,
  corrects: string,
): Promise<boolean> {
  const wrong = await findChange(deps, known.organization, corrects);
  return wrong?.lineage === known.lineage && wrong.position === known.corrects;
}

async function isSameFact(
  deps: RecordAccountChangeDeps,
  known: AccountChange,
  request: FactRequest,
  trail: Trail,
): Promise<boolean> {
  const { directory, cards, keyring } = deps;
  const organization = demandRecord(directory, request.organization);
  const { record } = await findByReference(deps, organization, request.card, trail);
  const { effectiveAtMs } = request;
  if (effectiveAtMs !== undefined && effectiveAtMs !== known.effectiveAtMs) return false;
  switch (request.kind) {
    case 'replaced': {
      const panIndex = keyring.panIndex(organization.number, request.newPan);
      const replacement = await cards.findNumberByIndex(organization.number, panIndex);
      return known.numberId === record.id && known.newNumberId === replacement?.id;
    }
    case 'renewed':
      return (
        known.numberId === record.id &&
        known.sequence === request.sequence &&
        known.expiry === request.expiry
      );
    case 'stop_advice':
      return known.merchantId === request.merchantId && (await leadsTo(deps, record, known));
    default:
      return leadsTo(deps, record, known);
  }
}

/** The entry is about the number that this one led to on that day. */
async function leadsTo(
  { cards }: RecordAccountChangeDeps,
  record: NumberRecord,
  known: AccountChange,
): Promise<boolean> {
  const state = await readLineage(cards, record, known.effectiveAtMs);
  return state.newestNumberId === known.numberId || record.lineage === known.lineage;
}
