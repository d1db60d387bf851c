import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import type { ManageCallers } from '../../usecase/manage-callers.ts';
import { callerOf } from '../firstvision/authentication.ts';

const Name = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 64 }) },
  { additionalProperties: false },
);

const Listed = Type.Object({
  callers: Type.Array(
    Type.Object({
      name: Type.String(),
      clientId: Type.String(),
      organizations: Type.Array(Type.Integer()),
      rights: Type.Array(Type.String()),
      pciCertified: Type.Boolean(),
      disabled: Type.Boolean(),
    }),
  ),
});

/**
 * `GET /v1/callers` and `POST /v1/callers/disable`
 *
 * Callers that act for no organization but those of who asks. Needs the right `manage`.
 */
export function registerCallers(app: FastifyInstance, manageCallers: ManageCallers): void {
  app.get(
    '/v1/callers',
    {
      schema: { response: { 200: Listed } },
      config: { auditAction: 'list_callers', openapi: { summary: 'Callers; no secrets' } },
    },
    async (request) => {
      const callers = await manageCallers.list(callerOf(request), request.id);
      return { callers: callers.map(shown) };
    },
  );

  app.post<{ Body: Static<typeof Name> }>(
    '/v1/callers/disable',
    {
      schema: { body: Name, response: { 200: Name } },
      config: {
        auditAction: 'disable_caller',
        openapi: { summary: 'Ends everything a caller has, for good' },
      },
    },
    async (request) => {
      const { name } = request.body;
      await manageCallers.disable(callerOf(request), name, request.id);
      return { name };
    },
  );
}

function shown(caller: Caller): Static<typeof Listed>['callers'][number] {
  const { name, clientId, organizations, rights, pciCertified, disabledAtMs } = caller;
  return {
    ...{ name, clientId, pciCertified, disabled: disabledAtMs !== undefined },
    organizations: [...organizations],
    rights: [...rights],
  };
}
