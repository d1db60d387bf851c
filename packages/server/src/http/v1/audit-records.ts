import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { AuditRecord } from '../../domain/audit-record.ts';
import { Refusal } from '../../domain/error.ts';
import { parseOrganizationNumber } from '../../domain/organization-number.ts';
import type { AuditCursor, ReadAuditRecords } from '../../usecase/read-audit-records.ts';
import { callerOf } from '../firstvision/authentication.ts';

const LIMIT_MAX = 1_000;

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }));
const moment = () => Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

const Body = Type.Object(
  {
    organizationNumber: Type.Integer({ minimum: 0, maximum: 998 }),
    fromMs: moment(),
    throughMs: moment(),
    who: text(64),
    action: text(64),
    outcome: text(16),
    code: text(64),
    token: text(19),
    requestId: text(64),
    bait: Type.Optional(Type.Boolean()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX })),
    after: text(32),
  },
  { additionalProperties: false },
);

const Reply = Type.Object({
  records: Type.Array(
    Type.Object({
      chain: Type.String(),
      position: Type.Integer(),
      index: Type.Integer(),
      record: Type.Object({}, { additionalProperties: true }),
    }),
  ),
  next: Type.Optional(Type.String()),
});

/**
 * `POST /v1/audit-records`
 *
 * Who did what to the cards of one organization, a page at a time: with `next` there may be more, and
 * it is sent as `after`. Needs the right `audit`. Moments are milliseconds since 1970.
 */
export function registerAuditRecords(
  app: FastifyInstance,
  readAuditRecords: ReadAuditRecords,
): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/v1/audit-records',
    {
      schema: { body: Body, response: { 200: Reply } },
      config: {
        auditAction: 'search_audit',
        openapi: { summary: 'The audit records of an organization' },
        refusalOfField: { organizationNumber: 'ORGANIZATION_NUMBER_INVALID' },
      },
    },
    async (request) => {
      const { organizationNumber, fromMs, throughMs, limit, after, ...query } = request.body;
      const asked = {
        organization: parseOrganizationNumber(organizationNumber),
        range: { fromMs, throughMs },
        query: query as Partial<AuditRecord>,
        limit: limit ?? LIMIT_MAX,
        after: parseCursor(after),
      };
      const { records, next } = await readAuditRecords(callerOf(request), asked, request.id);
      return { records, ...(next !== undefined && { next: `${next.number}.${next.position}` }) };
    },
  );
}

/** @throws {Refusal} `REQUEST_INVALID` */
function parseCursor(text = '0.0'): AuditCursor {
  const [, number, position] = /^([0-9]{1,10})\.([0-9]{1,15})$/.exec(text) ?? [];
  if (number === undefined) throw new Refusal('REQUEST_INVALID', { field: 'after' });
  return { number: Number(number), position: Number(position) };
}
