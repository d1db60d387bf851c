/**
 * Every way this service can refuse a request. One table, one class.
 *
 * The domain says what kind of refusal it is; each face says what status, code or exit code that
 * kind becomes. A bug is not in this table: it is a failed assertion. docs/errors.md is held equal
 * to this table by a test.
 *
 * @module
 */

import { UPDATER_REFUSALS } from './updater-refusals.ts';

export type ErrorKind =
  | 'invalid' // the caller can fix the request
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict' // right request, wrong state
  | 'limited' // a budget or rate is used up
  | 'unavailable'; // try again, unchanged

/** Codes are public API: add freely, never rename, never reuse. Titles may be reworded. */
export const REFUSALS = {
  HTTP_MALFORMED: { kind: 'invalid', title: 'This is not an HTTP request, or too large a one.' },
  REQUEST_TIMEOUT: { kind: 'invalid', title: 'The request took too long to arrive.' },
  ...UPDATER_REFUSALS,
  BODY_TOO_LARGE: {
    kind: 'invalid',
    title: 'The body is larger than this path takes, 1 MiB as a rule.',
  },
  BODY_NOT_JSON: { kind: 'invalid', title: 'The body is not one JSON object in UTF-8.' },
  BODY_DUPLICATE_KEY: { kind: 'invalid', title: 'A key stands twice in one JSON object.' },
  BODY_TOO_DEEP: { kind: 'invalid', title: 'The JSON is nested too deeply.' },
  CONTENT_TYPE_UNSUPPORTED: { kind: 'invalid', title: 'This content type is not taken here.' },
  HEADER_INVALID: { kind: 'invalid', title: 'A header has not the form it must have.' },
  REQUEST_INVALID: { kind: 'invalid', title: 'A field is missing, unknown or of the wrong form.' },
  ROUTE_UNKNOWN: { kind: 'not_found', title: 'There is nothing at this path.' },
  URL_TOO_LONG: { kind: 'invalid', title: 'The address of the request is too long.' },
  METHOD_NOT_ALLOWED: { kind: 'invalid', title: 'This path does not take this method.' },

  CREDENTIALS_INVALID: { kind: 'unauthenticated', title: 'The credentials are not valid.' },
  ACCESS_TOKEN_INVALID: {
    kind: 'unauthenticated',
    title: 'The access token is missing, expired or of another caller. Ask POST /token for one.',
  },
  SIGNATURE_INVALID: {
    kind: 'unauthenticated',
    title: 'The signature does not fit the request, or its time stamp is over five minutes off.',
  },

  SIGNATURE_REQUIRED: {
    kind: 'unauthenticated',
    title: 'This caller has to sign its requests.',
  },
  REQUEST_REPLAYED: {
    kind: 'unauthenticated',
    title: 'A signed request with this id was taken before: make a new id and sign again.',
  },

  ORGANIZATION_NUMBER_INVALID: {
    kind: 'invalid',
    title: 'The organization number is an integer from 0 to 998.',
  },
  ORGANIZATION_NOT_FOUND: { kind: 'not_found', title: 'No such organization for this caller.' },
  ORGANIZATION_RECORD_MISSING: {
    kind: 'not_found',
    title: 'The caller may act for this organization, but it has no record.',
  },
  PAN_TOKEN_SWITCHED_OFF: {
    kind: 'conflict',
    title: 'PAN Token is switched off for this organization.',
  },

  CARD_NUMBER_BLANK: { kind: 'invalid', title: 'The card number is spaces or zeros.' },
  CARD_NUMBER_NOT_NUMERIC: { kind: 'invalid', title: 'The card number is not numeric.' },
  CARD_NUMBER_MALFORMED: { kind: 'invalid', title: 'A card number is 12 to 19 digits.' },
  PAN_MALFORMED: {
    kind: 'invalid',
    title: 'A PAN is 12 to 19 digits, does not begin with 0 and has a correct check digit.',
  },
  PAN_OUTSIDE_BIN_RANGES: {
    kind: 'invalid',
    title: 'The card number is in no BIN range of this organization.',
  },
  PAN_LENGTH_NOT_SERVED: {
    kind: 'invalid',
    title: 'The token format of this organization does not serve card numbers of this length.',
  },
  CARD_SEQUENCE_INVALID: {
    kind: 'invalid',
    title: 'The card sequence is an integer from 0 to 9999.',
  },
  EXPIRY_INVALID: { kind: 'invalid', title: 'The expiry is not a month of a year.' },
  CARD_ACTION_UNKNOWN: { kind: 'invalid', title: 'A card action is an integer from 0 to 7.' },
  CARD_ACTION_UNSUPPORTED: {
    kind: 'invalid',
    title: 'This service takes card actions 2, 3, 6 and 7 only.',
  },
  CARD_ALREADY_ISSUED: {
    kind: 'conflict',
    title: 'Card action 1 is for cards never issued; every card here is issued when it is created.',
  },
  PIN_NOT_KEPT: { kind: 'invalid', title: 'This service makes no PINs: randomPin must be 0.' },
  TOKEN_MALFORMED: { kind: 'invalid', title: 'This is not a PAN-TOKEN of this organization.' },
  NUMBER_ENCRYPTED_NO_ZONE_KEY: {
    kind: 'invalid',
    title: 'The card number is encrypted, and this organization has no zone key.',
  },
  NUMBER_ENCRYPTED_LENGTH: {
    kind: 'invalid',
    title: 'An encrypted card number is exactly 32 hexadecimal digits.',
  },

  NUMBER_ENCRYPTED_UNREADABLE: {
    kind: 'invalid',
    title: 'The encrypted card number does not open with the zone key of the organization.',
  },
  ENCRYPTION_KEY_MISSING: {
    kind: 'conflict',
    title: 'This caller gets card numbers encrypted, and none of its keys is in use yet.',
  },

  RIGHT_MISSING: { kind: 'forbidden', title: 'This caller has not the right to do this.' },
  RIGHT_NEEDS_CERTIFICATION: {
    kind: 'conflict',
    title: 'Only a PCI-certified caller can be given the right to see card numbers.',
  },
  ROTATION_UNDER_WAY: {
    kind: 'conflict',
    title: 'Two credentials are valid already: end the older one before making a third.',
  },
  CALLER_NOT_FOUND: { kind: 'not_found', title: 'No caller has this name.' },
  MERCHANT_NOT_FOUND: { kind: 'not_found', title: 'No merchant has this name or id.' },
  NUMBER_FORBIDDEN: {
    kind: 'forbidden',
    title: 'This caller may not see card numbers: it is not PCI-certified, or has not the right.',
  },
  CARD_NUMBER_NOT_FOUND: { kind: 'not_found', title: 'No card has this number or token.' },
  CARD_DELETED: {
    kind: 'not_found',
    title: 'The card of this number or token was deleted after its time of retention.',
  },
  NUMBER_DELETED: {
    kind: 'conflict',
    title: 'A card with this number was deleted: neither it nor its PAN-TOKEN is given again.',
  },
  RETENTION_NOT_SET: {
    kind: 'conflict',
    title: 'This organization has no rule by which cards are deleted.',
  },
  CARD_NOT_FOUND: { kind: 'not_found', title: 'This number has no card with this sequence.' },
  CARD_EXISTS: { kind: 'conflict', title: 'This number already has a card with this sequence.' },
  CARD_REPLACED: { kind: 'conflict', title: 'This card has been replaced by a newer number.' },
  CARD_CLOSED: { kind: 'conflict', title: 'This card is closed.' },
  CARD_BUSY: { kind: 'conflict', title: 'The card is being changed by others. Try again.' },
  BIN_RANGE_EXHAUSTED: {
    kind: 'conflict',
    title: 'No free card number was found in the BIN ranges of this organization.',
  },
  TOKENS_EXHAUSTED: {
    kind: 'conflict',
    title: 'No free token was found for this BIN and last four digits.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'conflict',
    title: 'This Idempotency-Key came with another request in the last 24 hours.',
  },
  BIN_RANGE_TAKEN: { kind: 'conflict', title: 'The BIN range overlaps one that is registered.' },
  REGISTRATION_BUSY: {
    kind: 'conflict',
    title: 'Others register at the same moment. Try again.',
  },
  ALREADY_REGISTERED: { kind: 'conflict', title: 'Something of this name is registered already.' },

  TOKEN_EPOCH_CLOSED: {
    kind: 'conflict',
    title: 'The key of this PAN-TOKEN is closed: it is not opened any more.',
  },
  TOKEN_EPOCH_DESTROYED: {
    kind: 'conflict',
    title: 'The key of this PAN-TOKEN is destroyed: nobody can open it.',
  },
  EPOCH_UNKNOWN: { kind: 'not_found', title: 'There is no key of this epoch.' },
  EPOCH_STATE: { kind: 'conflict', title: 'The key is not in the state this needs.' },
  EPOCH_MARK_TAKEN: {
    kind: 'conflict',
    title: 'Tokens of the next epoch would look like those of one that is not destroyed yet.',
  },
  EPOCH_IN_USE: { kind: 'conflict', title: 'Cards still need this key.' },
  EPOCH_NOT_QUIET: {
    kind: 'conflict',
    title: 'The key has not been closed, with none of its tokens seen, for long enough.',
  },
  KEY_EXISTS: { kind: 'conflict', title: 'This key is there already.' },
  KEY_JOB_UNDER_WAY: { kind: 'conflict', title: 'Another change of these keys is under way.' },
  KEY_INPUT_INVALID: { kind: 'invalid', title: 'A key or a part of one could not be taken in.' },
  CONFIRMATION_MISSING: {
    kind: 'invalid',
    title:
      'This cannot be undone: confirm it by typing the organization number, or the epoch of a key of the service.',
  },
  OPERATOR_UNKNOWN: { kind: 'unauthenticated', title: 'No operator has this credential.' },
  OPERATORS_TOO_FEW: {
    kind: 'conflict',
    title: 'The settings of this home demand two operators, and there are not so many.',
  },
  APPROVAL_MISSING: {
    kind: 'conflict',
    title: 'This needs the approval of a second operator within 15 minutes.',
  },

  MERCHANT_UNKNOWN: { kind: 'forbidden', title: 'The merchantid is not that of the x-api-key.' },
  SCHEME_UNSUPPORTED: { kind: 'invalid', title: 'The card is neither Visa nor Mastercard.' },
  ENCDATA_UNREADABLE: { kind: 'invalid', title: 'The encdata could not be read.' },
  ANSWER_TOO_LONG: { kind: 'invalid', title: 'The answer does not fit the key of the merchant.' },

  BUDGET_EXHAUSTED: {
    kind: 'limited',
    title:
      'This caller has asked about as many different cards as it may. Retry-After says when to go on.',
  },
  RATE_EXCEEDED: { kind: 'limited', title: 'Too many requests of this caller. Try again shortly.' },
  LIFT_NOT_FOUND: { kind: 'not_found', title: 'No such request to lift a limit, or it has ended.' },
  LIFT_NEEDS_ANOTHER: {
    kind: 'forbidden',
    title: 'Lifting a limit takes a second operator.',
  },

  RECORD_DAMAGED: {
    kind: 'unavailable',
    title: 'A record does not agree with its seal. It is not shown; the operator is told.',
  },
  KEY_DAMAGED: {
    kind: 'unavailable',
    title: 'A key in the database is not the one it should be. It is not used.',
  },
  KEY_PROVIDER_GONE: {
    kind: 'unavailable',
    title: 'The provider of the key-encryption key has not answered for too long.',
  },
  KEY_UNAVAILABLE: { kind: 'unavailable', title: 'A key of this organization is not available.' },
  RESTORE_UNACCEPTED: {
    kind: 'unavailable',
    title:
      'The database is older than its audit checkpoints; nothing is changed until that is accepted.',
  },
  STORE_UNAVAILABLE: { kind: 'unavailable', title: 'The database could not take the record.' },
  TOO_BUSY: { kind: 'unavailable', title: 'Too many requests are waiting. Try again shortly.' },
} as const satisfies Record<string, { kind: ErrorKind; title: string }>;

export type RefusalCode = keyof typeof REFUSALS;

/** Facts safe to log and to return: field names, lengths, counts. A PAN or a key has no place here. */
export type RefusalFacts = Readonly<Record<string, string | number | boolean>>;

/** An expected error with a stable code: the caller can act on it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  readonly kind: ErrorKind;
  readonly facts: RefusalFacts;

  /** @param options.cause the error underneath; it is logged and never returned to the caller. */
  constructor(code: RefusalCode, facts: RefusalFacts = {}, options?: { cause: unknown }) {
    super(REFUSALS[code].title, options);
    this.code = code;
    this.kind = REFUSALS[code].kind;
    this.facts = facts;
  }
}
