import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { Refusal } from '../../domain/error.ts';
import { monthOf, parseExpiry, yearOf } from '../../domain/expiry.ts';
import type { Merchant } from '../../domain/merchant.ts';
import { CardNumber } from '../../domain/pan.ts';
import type { MessageCipher } from '../../usecase/ports.ts';
import type { ValidatePan, ValidatePanRequest, Validation } from '../../usecase/validate-pan.ts';
import { parseJsonBody } from '../json-body.ts';
import { merchantOf } from './authentication.ts';

const field = () => Type.Optional(Type.String({ maxLength: 64 }));

/** Either the four fields in clear, or `encdata` with them inside. */
const Body = Type.Object(
  {
    pan: field(),
    expmonth: field(),
    expyear: field(),
    merchantid: field(),
    encdata: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
  },
  { additionalProperties: false },
);

const CLEAR_FIELDS = ['pan', 'expmonth', 'expyear', 'merchantid'] as const;

/**
 * `POST /api/cu/validatepan`
 *
 * The merchant's key decides how the answer is encrypted. Field names are matched without regard to
 * case: the documentation spells them both ways.
 */
export function registerValidatePan(
  app: FastifyInstance,
  validatePan: ValidatePan,
  cipher: MessageCipher,
): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/api/cu/validatepan',
    {
      schema: { body: Body, response: { 200: Type.Object({ encdata: Type.String() }) } },
      config: { auditAction: 'validate_pan', openapi: { summary: 'What became of a card' } },
      preValidation: async (request) => {
        request.body = lowerCaseKeys(request.body) as Static<typeof Body>;
      },
    },
    async (request) => {
      const merchant = merchantOf(request);
      const { encdata, ...clear } = request.body;
      const asked =
        encdata === undefined
          ? parseFields(clear, merchant)
          : await parseEncrypted(encdata, clear, merchant, cipher);
      const answer = await validatePan(merchant, asked, request.id);
      return { encdata: cipher.encryptFor(merchant, JSON.stringify(answerOf(asked, answer))) };
    },
  );
}

/** @throws {Refusal} `BODY_DUPLICATE_KEY` when two names differ in case only. */
function lowerCaseKeys(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const entries = Object.entries(body).map(([key, value]) => [key.toLowerCase(), value]);
  const lowered = Object.fromEntries(entries);
  if (Object.keys(lowered).length !== entries.length) throw new Refusal('BODY_DUPLICATE_KEY');
  return lowered;
}

/**
 * @throws {Refusal} `REQUEST_INVALID`, `CARD_NUMBER_MALFORMED`, `EXPIRY_INVALID`, `MERCHANT_UNKNOWN`
 */
function parseFields(
  fields: Readonly<Record<string, unknown>>,
  merchant: Merchant,
): ValidatePanRequest {
  const [pan, expmonth, expyear, merchantid] = CLEAR_FIELDS.map((name) => {
    const value = fields[name];
    if (typeof value !== 'string') throw new Refusal('REQUEST_INVALID', { field: name });
    return value;
  });
  if (merchantid?.toLowerCase() !== merchant.id) throw new Refusal('MERCHANT_UNKNOWN');
  return {
    number: CardNumber.parseNumber(pan ?? ''),
    expiry: parseExpiry(expmonth ?? '', expyear ?? ''),
  };
}

/**
 * Whatever is wrong inside, or with the padding, or with the key, is one refusal: telling them apart
 * is what an attack on PKCS #1 v1.5 needs.
 *
 * @throws {Refusal} `ENCDATA_UNREADABLE`, `TOO_BUSY`
 */
async function parseEncrypted(
  encdata: string,
  clear: Readonly<Record<string, unknown>>,
  merchant: Merchant,
  cipher: MessageCipher,
): Promise<ValidatePanRequest> {
  if (Object.keys(clear).length > 0) throw new Refusal('REQUEST_INVALID', { field: 'encdata' });
  const bytes = await cipher.decrypt(encdata);
  try {
    const fields = lowerCaseKeys(parseJsonBody(bytes));
    if (Object.keys(fields as object).length !== CLEAR_FIELDS.length) {
      throw new Refusal('ENCDATA_UNREADABLE');
    }
    return parseFields(fields as Record<string, unknown>, merchant);
  } catch {
    throw new Refusal('ENCDATA_UNREADABLE');
  }
}

function answerOf({ number, expiry }: ValidatePanRequest, answer: Validation) {
  const { status, scheme, newPan, newExpiry } = answer;
  return {
    status,
    scheme,
    oldpan: number.reveal(),
    oldexpmonth: monthOf(expiry),
    oldexpyear: yearOf(expiry),
    ...(newPan !== undefined && { newpan: newPan.reveal() }),
    ...(newExpiry !== undefined && {
      newexpmonth: monthOf(newExpiry),
      newexpyear: yearOf(newExpiry),
    }),
  };
}
