import type { Caller } from '../domain/caller.ts';
import type { Sealed } from '../domain/card.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { Trail } from './audit-trail.ts';
import type { IssuedCard } from './create-card.ts';
import type { Change, Clock, Credentials, Keyring } from './ports.ts';

/** How long an answer is told again to who asks with the same key. */
export const ANSWER_KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * A request that may be sent again: keyed digests of its `Idempotency-Key` and of all that it asks,
 * since its body may hold a card number.
 */
export interface Repeatable {
  readonly keyDigest: string;
  readonly bodyDigest: string;
}

/** The answer to a request, as it is kept. */
export interface KeptAnswer extends Repeatable {
  readonly organization: OrganizationNumber;
  readonly callerId: string;
  /** {@link IssuedCard} as JSON. */
  readonly sealedAnswer: Sealed;
  readonly createdAtMs: number;
}

export interface KeptAnswerStore {
  /** @param sinceMs answers older than this are as good as none. */
  findAnswer(
    organization: OrganizationNumber,
    callerId: string,
    keyDigest: string,
    sinceMs: number,
  ): Promise<KeptAnswer | undefined>;
}

export interface AnswerOnceDeps {
  readonly answers: KeptAnswerStore;
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/** What a request asks for once, however often it is sent. */
export interface OnceRequest {
  readonly organization: OrganizationNumber;
  readonly repeatable?: Repeatable | undefined;
}

/** The changes that keep an answer; none where the request cannot be sent again. */
export type KeepAnswer = (answer: IssuedCard) => readonly Change[];

/** @param text whatever the request asks for: method, path and body. */
export function makeRepeatable(credentials: Pick<Credentials, 'digest'>) {
  return (caller: Caller, key: string, text: string): Repeatable => ({
    keyDigest: credentials.digest(`idempotency key\n${caller.id}\n${key}`),
    bodyDigest: credentials.digest(`idempotency body\n${text}`),
  });
}

/** Another request with this key was kept while this one was being served. */
class AnswerTaken extends Error {}

/**
 * Serves a request once. Its answer is kept in the transaction of what it creates, so the two cannot
 * come apart; the same key with the same body gets the same answer for a day, on whatever node. A
 * refused request creates nothing and is served anew.
 *
 * @param make does the work and commits by the trail it is given, with the changes `keep` makes of
 *   the answer.
 * @throws {Refusal} `IDEMPOTENCY_KEY_REUSED` when the key came with another body; those of `make`.
 */
export async function answerOnce(
  deps: AnswerOnceDeps,
  trail: Trail,
  caller: Caller,
  { organization, repeatable }: OnceRequest,
  make: (trail: Trail, keep: KeepAnswer) => Promise<IssuedCard>,
): Promise<IssuedCard> {
  if (repeatable === undefined) return make(trail, () => []);
  const sinceMs = deps.clock.nowMs() - ANSWER_KEPT_MS;
  const find = () =>
    deps.answers.findAnswer(organization, caller.id, repeatable.keyDigest, sinceMs);
  const again = async (kept: KeptAnswer) => {
    if (kept.bodyDigest !== repeatable.bodyDigest) throw new Refusal('IDEMPOTENCY_KEY_REUSED');
    const answer = openAnswer(deps.keyring, kept);
    trail.note({ token: answer.token });
    await trail.commit([]);
    return answer;
  };
  const before = await find();
  if (before !== undefined) return again(before);
  const keep: KeepAnswer = (answer) => [
    { kind: 'forget_answers', organization, createdBeforeMs: sinceMs },
    { kind: 'add_answer', answer: sealAnswer(deps, caller, organization, repeatable, answer) },
  ];
  try {
    return await make(noticingTaken(trail), keep);
  } catch (error) {
    if (!(error instanceof AnswerTaken)) throw error;
    const first = await find();
    if (first === undefined) throw new Refusal('CARD_BUSY');
    return again(first);
  }
}

function noticingTaken(trail: Trail): Trail {
  return {
    ...trail,
    async commit(changes) {
      const outcome = await trail.commit(changes);
      if (!outcome.committed && outcome.conflict === 'answer_taken') throw new AnswerTaken();
      return outcome;
    },
  };
}

function sealAnswer(
  { keyring, clock }: AnswerOnceDeps,
  caller: Caller,
  organization: OrganizationNumber,
  repeatable: Repeatable,
  { card, details, token, shownNumber }: IssuedCard,
): KeptAnswer {
  const { numberId, sequence, logo, expiry, chipSequence, createdAtMs } = card;
  const plain = { organization, numberId, sequence, logo, expiry, chipSequence, createdAtMs };
  const kept = { ...repeatable, organization, callerId: caller.id };
  const text = JSON.stringify({ card: plain, details, token, shownNumber });
  return {
    ...kept,
    sealedAnswer: keyring.seal(placeOf(kept), text),
    createdAtMs: clock.nowMs(),
  };
}

function openAnswer(keyring: Keyring, kept: KeptAnswer): IssuedCard {
  return JSON.parse(keyring.open(placeOf(kept), kept.sealedAnswer));
}

/** An answer belongs to its key and its caller; it opens for no other. */
function placeOf(kept: Pick<KeptAnswer, 'organization' | 'callerId' | 'keyDigest'>) {
  const { organization, callerId, keyDigest } = kept;
  const recordId = keyDigest as RecordId;
  return { organization, recordId, token: callerId, part: 'answer' };
}
