import { Type } from 'typebox';
import { type ErrorKind, REFUSALS, type Refusal, type RefusalCode } from '../../domain/error.ts';
import { describe, type Face, STATUS_OF_TRANSPORT } from '../face.ts';

const STATUS_OF_KIND = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 422, // FirstVision answers what it cannot find as a business refusal.
  conflict: 422,
  limited: 429,
  unavailable: 503,
} as const satisfies Record<ErrorKind, number>;

/** The codes FirstVision documents for M.CMS.CARD.PAN.INQ. */
const CARD_PAN_INQUIRY: Partial<Record<RefusalCode, string>> = {
  ORGANIZATION_NOT_FOUND: 'VPL5SAD07S',
  ORGANIZATION_NUMBER_INVALID: 'VPL5SCI01E',
  CARD_NUMBER_NOT_NUMERIC: 'VPL5SCI03E',
  CARD_SEQUENCE_INVALID: 'VPL5SCI04E',
  CARD_NUMBER_NOT_FOUND: 'VPL5SCI05S',
  ORGANIZATION_RECORD_MISSING: 'VPL5SCI07S',
  CARD_NOT_FOUND: 'VPL5SCI09S',
  CARD_NUMBER_BLANK: 'VPL5SEA04E',
  TOKEN_MALFORMED: 'VPL5SEA05E',
  PAN_TOKEN_SWITCHED_OFF: 'VPL5SEA16S',
  NUMBER_ENCRYPTED_NO_ZONE_KEY: 'VPL5SIE31S',
  NUMBER_ENCRYPTED_LENGTH: 'VPL5SIE32S',
  NUMBER_ENCRYPTED_UNREADABLE: 'VPL5SIE33S',
  KEY_UNAVAILABLE: 'VPL5SIE33S',
  RECORD_DAMAGED: 'VPL5SIE33S',
};

/** Those it documents for M.CMS.EMB.CARDACTION.UPD, as far as we can meet them. */
const CARD_ACTION: Partial<Record<RefusalCode, string>> = {
  ORGANIZATION_NUMBER_INVALID: 'VPL5SPR01E',
  CARD_NUMBER_BLANK: 'VPL5SPR02E',
  CARD_SEQUENCE_INVALID: 'VPL5SPR03E',
  CARD_ACTION_UNKNOWN: 'VPL5SPR04E',
  CARD_NUMBER_NOT_FOUND: 'VPL5SPR01S',
  TOKEN_MALFORMED: 'VPL5SPR01S',
  ORGANIZATION_NOT_FOUND: 'VPL5SPR02S',
  ORGANIZATION_RECORD_MISSING: 'VPL5SPR02S',
  CARD_NOT_FOUND: 'VPL5SPR04S',
  CARD_ALREADY_ISSUED: 'VPL5SPR08S',
  PIN_NOT_KEPT: 'VPL5SPR29S',
};

/** By path; the embosser's own add has no documented codes. */
export const FIRSTVISION_CODES: Readonly<Record<string, Partial<Record<RefusalCode, string>>>> = {
  '/cards/embosser/card-pan-l8v2': CARD_PAN_INQUIRY,
  '/cards/embosser/cardAction-L8V2': CARD_ACTION,
};

/** Status and code of a refusal: a documented code is a 422; ours go by their kind. */
export function firstVisionError(
  refusal: Pick<Refusal, 'code' | 'kind'>,
  path: string,
): { status: number; code: string } {
  const documented = FIRSTVISION_CODES[path]?.[refusal.code];
  if (documented !== undefined) return { status: 422, code: documented };
  const status = STATUS_OF_TRANSPORT[refusal.code] ?? STATUS_OF_KIND[refusal.kind];
  return { status, code: refusal.code };
}

/**
 * What a person reads. Refusals that share a documented code share its words, too: a made-up token that
 * opens must not read differently from one that does not.
 */
function descriptionOf(refusal: Refusal, path: string, code: string): string {
  const documented = Object.entries(FIRSTVISION_CODES[path] ?? {});
  const [first] = documented.find(([, each]) => each === code) ?? [];
  return first === undefined ? describe(refusal) : REFUSALS[first as RefusalCode].title;
}

/** The form of every failure. */
export const FirstVisionError = Type.Object({
  hasError: Type.Literal(true),
  errors: Type.Array(Type.Object({ code: Type.String(), description: Type.String() }), {
    minItems: 1,
    maxItems: 1,
  }),
  data: Type.Null(),
});

/** FirstVision's envelope: `hasError`, `errors`, `data`. */
export const firstVisionFace: Face = {
  serves: (path) => path === '/token' || path.startsWith('/cards/'),
  sendRefusal(refusal, path, reply) {
    const { status, code } = firstVisionError(refusal, path);
    const errors = [{ code, description: descriptionOf(refusal, path, code) }];
    return reply.code(status).send({ hasError: true, errors, data: null });
  },
  sendInternal(requestId, reply) {
    const errors = [{ code: 'INTERNAL', description: `Internal error. Request ${requestId}.` }];
    return reply.code(500).send({ hasError: true, errors, data: null });
  },
};
