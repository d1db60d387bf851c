import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { ACCOUNT_CHANGE_KINDS } from '../../domain/account-change.ts';
import { demandOrganization, demandRight } from '../../domain/caller.ts';
import { parseOrganizationNumber } from '../../domain/organization-number.ts';
import type { AccountChangeMessage } from '../../usecase/account-change-message.ts';
import type { RecordAccountChanges } from '../../usecase/record-account-changes.ts';
import { callerOf } from '../firstvision/authentication.ts';

/** At some 200 bytes each they fit a body of 1 MiB; one after the other they take a second or two. */
const CHANGES_MAX = 1_000;

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }));

const Message = Type.Object(
  {
    reference: Type.String({ maxLength: 64 }),
    kind: Type.Union(ACCOUNT_CHANGE_KINDS.map((kind) => Type.Literal(kind))),
    effectiveDate: text(10),
    pan: text(19),
    panToken: text(19),
    cardSequence: Type.Optional(Type.Integer({ minimum: 0, maximum: 9999 })),
    newPan: text(19),
    newExpiry: text(7),
    expiry: text(7),
    merchantId: text(32),
    corrects: text(64),
  },
  { additionalProperties: false },
);

const Body = Type.Object(
  {
    organizationNumber: Type.Integer({ minimum: 0, maximum: 998 }),
    changes: Type.Array(Message, { minItems: 1, maxItems: CHANGES_MAX }),
  },
  { additionalProperties: false },
);

const Reply = Type.Object({
  results: Type.Array(
    Type.Object({
      reference: Type.String(),
      status: Type.String(),
      code: Type.Optional(Type.String()),
      title: Type.Optional(Type.String()),
    }),
  ),
});

/**
 * `POST /v1/account-changes`
 *
 * What became of cards, told by their issuer: a batch, answered message by message. It may be sent
 * again whole; what is recorded stays as it is.
 */
export function registerAccountChanges(
  app: FastifyInstance,
  recordAccountChanges: RecordAccountChanges,
): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/v1/account-changes',
    {
      schema: { body: Body, response: { 200: Reply } },
      config: {
        auditAction: 'change_account',
        refusalOfField: { organizationNumber: 'ORGANIZATION_NUMBER_INVALID' },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const organization = parseOrganizationNumber(request.body.organizationNumber);
      demandOrganization(caller, organization);
      demandRight(caller, 'issue');
      const context = { who: `caller:${caller.id}`, requestId: request.id };
      const messages = request.body.changes as readonly AccountChangeMessage[];
      return { results: await recordAccountChanges(context, organization, messages) };
    },
  );
}
