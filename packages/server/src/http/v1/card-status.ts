import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { monthOf, parseExpiry, yearOf } from '../../domain/expiry.ts';
import { parseOrganizationNumber } from '../../domain/organization-number.ts';
import type { ValidateCard } from '../../usecase/validate-card.ts';
import { callerOf } from '../firstvision/authentication.ts';
import { CARD_FIELDS, cardReferenceOf } from './card-reference.ts';

const Body = Type.Object(
  { ...CARD_FIELDS, expiry: Type.String({ maxLength: 7 }) },
  { additionalProperties: false },
);

const Reply = Type.Object({
  status: Type.String(),
  newPanToken: Type.Optional(Type.String()),
  newExpiry: Type.Optional(Type.String()),
});

/**
 * `POST /v1/card-status`
 *
 * What became of a card of one's own organization: the letter a merchant would get, and never a
 * number. Needs the right `validate`. Expiries are `YYYY-MM`.
 */
export function registerCardStatus(app: FastifyInstance, validateCard: ValidateCard): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/v1/card-status',
    {
      schema: { body: Body, response: { 200: Reply } },
      config: {
        auditAction: 'validate_card',
        openapi: { summary: 'What became of a card' },
        refusalOfField: { organizationNumber: 'ORGANIZATION_NUMBER_INVALID' },
      },
    },
    async (request) => {
      const organization = parseOrganizationNumber(request.body.organizationNumber);
      const [, year = '', month = ''] = /^([0-9]{4})-([0-9]{2})$/.exec(request.body.expiry) ?? [];
      const expiry = parseExpiry(month, year);
      const asked = { organization, card: cardReferenceOf(request.body), expiry };
      const { status, newToken, newExpiry } = await validateCard(
        callerOf(request),
        asked,
        request.id,
      );
      return {
        status,
        ...(newToken !== undefined && { newPanToken: newToken }),
        ...(newExpiry !== undefined && { newExpiry: `${yearOf(newExpiry)}-${monthOf(newExpiry)}` }),
      };
    },
  );
}
