import { Refusal } from './error.ts';
import type { Expiry } from './expiry.ts';
import type { OrganizationNumber } from './organization-number.ts';
import type { RecordId } from './record-id.ts';

/** Something encrypted under the data key of an organization, and which data key that was. */
export interface Sealed {
  readonly dataKeyEpoch: number;
  readonly bytes: Uint8Array;
}

/**
 * A card number and its PAN-TOKEN, for ever one to one within the organization. The number itself is
 * in `sealedPan` only; it is found by `panIndex`, a keyed digest.
 */
export interface NumberRecord {
  readonly organization: OrganizationNumber;
  readonly id: RecordId;
  /** The first number of the chain of replacements this one is part of; its own id where it is first. */
  readonly lineage: RecordId;
  /** HMAC-SHA-256 of the number under the index key of the organization, 32 bytes. */
  readonly panIndex: Uint8Array;
  /** The same under the key that takes over, while one does. */
  readonly nextPanIndex?: Uint8Array | undefined;
  readonly token: string;
  /** The epoch of the token key, 1 and up; 0 for a random token. */
  readonly epoch: number;
  readonly sealedPan: Sealed;
  readonly createdAtMs: number;
  /** Nobody honest asks about it: whoever does raises an alarm, and is answered like anybody. */
  readonly bait?: true;
}

/** Of a number, what tells whose it is and opens it. */
export type NumberInBrief = Pick<
  NumberRecord,
  'organization' | 'id' | 'lineage' | 'token' | 'sealedPan' | 'bait'
>;

/** Of a card, what an inquiry shows. */
export type CardInBrief = Pick<Card, 'sequence' | 'logo' | 'sealedDetails'>;

/** Of a card, until when it is good; `createdAtMs` tells it from others that had its sequence. */
export type CardTerms = Pick<Card, 'numberId' | 'sequence' | 'expiry' | 'createdAtMs'>;

/** A number and, if it has that one, the card of the sequence that was asked for. */
export type NumberWithCard = NumberInBrief & { readonly card: CardInBrief | undefined };

/** A number and the terms of all its cards, in no order. */
export type NumberWithTerms = NumberInBrief & { readonly terms: readonly CardTerms[] };

/** What a number is found by and stored with. Two digests only while the index key changes. */
export interface PanIndex {
  readonly current: Uint8Array;
  readonly next: Uint8Array | undefined;
  /** Which of the two columns every number is found by now; `either`: next, else current. */
  readonly findBy: 'current' | 'next' | 'either';
}

/** A card with a number: what FirstVision calls an embosser record. */
export interface Card {
  readonly organization: OrganizationNumber;
  readonly numberId: RecordId;
  readonly sequence: number;
  readonly logo: number;
  readonly expiry: Expiry;
  /** Counts the plastics made of this card, from 1. */
  readonly chipSequence: number;
  /** {@link CardDetails} as JSON, an imprint before it, sealed: an account number or a name may hold anything. */
  readonly sealedDetails: Sealed;
  readonly createdAtMs: number;
}

/** What an issuer keeps with a card. */
export interface CardDetails {
  /** The account the card posts to, 1 to 19 characters. */
  readonly accountNumber: string;
  readonly customerNumber?: string;
  readonly embossedName1?: string;
  readonly embossedName2?: string;
  readonly typeOfCard?: string;
  readonly plasticId?: string;
  readonly blockCode?: string;
  readonly posServiceCode?: string;
}

/** The sequence a card has when the caller does not say. */
export const FIRST_CARD_SEQUENCE = 1;

/** @throws {Refusal} `CARD_SEQUENCE_INVALID` */
export function parseCardSequence(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 9999) {
    throw new Refusal('CARD_SEQUENCE_INVALID');
  }
  return value;
}
