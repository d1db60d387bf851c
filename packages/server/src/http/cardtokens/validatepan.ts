import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { Refusal } from '../../domain/error.ts';
import type { Merchant } from '../../domain/merchant.ts';
import type { MessageCipher } from '../../usecase/message-cipher.ts';
import type { ValidationQuota } from '../../usecase/request-rate.ts';
import { updateFields } from '../../usecase/update-fields.ts';
import type { ValidatePan, ValidatePanRequest } from '../../usecase/validate-pan.ts';
import { check } from '../check.ts';
import { parseJsonBody } from '../json-body.ts';
import { refusingSlowly } from '../slow-refusal.ts';
import { merchantOf } from './authentication.ts';
import { demandOwnId, lowerCaseKeys, parseCard } from './card-fields.ts';

const field = () => Type.Optional(Type.String({ maxLength: 64 }));

/** Either the four fields in clear, or `encdata` with them inside. */
const Body = Type.Object(
  {
    pan: field(),
    pantoken: field(),
    expmonth: field(),
    expyear: field(),
    merchantid: field(),
    encdata: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  },
  { additionalProperties: false },
);

export interface ValidatePanRouteDeps {
  readonly validatePan: ValidatePan;
  readonly validationQuota: ValidationQuota;
  readonly cipher: MessageCipher;
}

/** Besides the card itself: `pan`, or ours, `pantoken`. */
const OTHER_FIELDS = ['expmonth', 'expyear', 'merchantid'] as const;

/**
 * `POST /api/cu/validatepan`
 *
 * The merchant's key decides how the answer is encrypted. Field names are matched without regard to
 * case: the documentation spells them both ways.
 */
export function registerValidatePan(
  app: FastifyInstance,
  { validatePan, validationQuota, cipher }: ValidatePanRouteDeps,
): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/api/cu/validatepan',
    {
      schema: { body: Body, response: { 200: Type.Object({ encdata: Type.String() }) } },
      // One field that needs no escaping: the compiled serializer looks at each symbol of it.
      serializerCompiler: () => JSON.stringify,
      config: { auditAction: 'validate_pan', openapi: { summary: 'What became of a card' } },
      // Before anything is read or decrypted.
      onRequest: (request, _reply, done) => {
        try {
          validationQuota.demand(merchantOf(request));
        } catch (error) {
          refusingSlowly(() => Promise.reject(error)).catch(done);
          return;
        }
        done();
      },
      preValidation: check((request) => {
        request.body = lowerCaseKeys(request.body);
      }),
    },
    async (request) => {
      const merchant = merchantOf(request);
      const { encdata, ...clear } = request.body;
      const asked =
        encdata === undefined
          ? parseFields(clear, merchant)
          : await parseEncrypted(encdata, clear, merchant, cipher);
      const answer = await validatePan(merchant, asked, request.id);
      const text = JSON.stringify(
        updateFields({ ...answer, expiry: asked.expiry, by: asked.card.kind }, answer),
      );
      return { encdata: await cipher.encryptFor(merchant, text) };
    },
  );
}

/**
 * @throws {Refusal} `REQUEST_INVALID`, `CARD_NUMBER_MALFORMED`, `EXPIRY_INVALID`, `MERCHANT_UNKNOWN`
 */
function parseFields(
  fields: Readonly<Record<string, unknown>>,
  merchant: Merchant,
): ValidatePanRequest {
  const name = fields.pantoken === undefined ? 'pan' : 'pantoken';
  const [value = '', expmonth = '', expyear = '', merchantid = ''] = [name, ...OTHER_FIELDS].map(
    (each) => {
      const text = fields[each];
      if (typeof text !== 'string') throw new Refusal('REQUEST_INVALID', { field: each });
      return text;
    },
  );
  if (Object.keys(fields).length !== OTHER_FIELDS.length + 1) {
    throw new Refusal('REQUEST_INVALID', { field: 'pantoken' });
  }
  demandOwnId(merchant, merchantid);
  return parseCard({ [name]: value, expmonth, expyear });
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
  const bytes = await refusingSlowly(() => cipher.decrypt(encdata, merchant));
  try {
    const fields = lowerCaseKeys(parseJsonBody(bytes));
    return parseFields(fields as Record<string, unknown>, merchant);
  } catch {
    throw new Refusal('ENCDATA_UNREADABLE');
  }
}
