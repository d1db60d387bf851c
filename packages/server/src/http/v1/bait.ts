import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseOrganizationNumber } from '../../domain/organization-number.ts';
import type { SetBait } from '../../usecase/set-bait.ts';
import { callerOf } from '../firstvision/authentication.ts';
import { CARD_FIELDS, cardReferenceOf } from './card-reference.ts';

const Body = Type.Object({ ...CARD_FIELDS, bait: Type.Boolean() }, { additionalProperties: false });

/** `PUT /v1/bait`: makes a card bait, or an ordinary one again. Needs the right `manage`. */
export function registerBait(app: FastifyInstance, setBait: SetBait): void {
  app.put<{ Body: Static<typeof Body> }>(
    '/v1/bait',
    {
      schema: { body: Body, response: { 200: Type.Object({ bait: Type.Boolean() }) } },
      config: {
        auditAction: 'set_bait',
        openapi: { summary: 'Whoever asks about this card raises an alarm' },
        refusalOfField: { organizationNumber: 'ORGANIZATION_NUMBER_INVALID' },
      },
    },
    async (request) => {
      const { bait } = request.body;
      const organization = parseOrganizationNumber(request.body.organizationNumber);
      const asked = { organization, card: cardReferenceOf(request.body), isBait: bait };
      await setBait.byCaller(callerOf(request), asked, request.id);
      return { bait };
    },
  );
}
