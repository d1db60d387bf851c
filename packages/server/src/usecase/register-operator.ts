import { Refusal } from '../domain/error.ts';
import type { RequestContext } from './audit-trail.ts';
import type { DualControlDeps } from './dual-control.ts';

/** People who run key commands. */
export interface RegisterOperator {
  /** The credential is returned once and cannot be read again. @throws {Refusal} `ALREADY_REGISTERED` */
  add(context: RequestContext, name: string): Promise<{ id: string; credential: string }>;
  /** @throws {Refusal} `OPERATOR_UNKNOWN` */
  remove(context: RequestContext, name: string): Promise<void>;
}

const NAME_PATTERN = /^[\w.@-]{1,64}$/;

export function makeRegisterOperator(deps: DualControlDeps): RegisterOperator {
  const { operators, credentials, audited, random, clock } = deps;
  return {
    async add(context, name) {
      if (!NAME_PATTERN.test(name)) throw new Refusal('REQUEST_INVALID', { field: 'name' });
      const id: string = random.recordId();
      const credential = credentials.newSecret();
      const credentialDigest = credentials.digest(credential);
      const operator = { id, name, credentialDigest, createdAtMs: clock.nowMs() };
      await audited(context, 'add_operator', (trail) =>
        trail.demandCommit([{ kind: 'add_operator', operator }], 'ALREADY_REGISTERED'),
      );
      return { id, credential };
    },

    async remove(context, name) {
      const found = (await operators.listOperators()).find((each) => each.name === name);
      if (found === undefined) throw new Refusal('OPERATOR_UNKNOWN');
      await audited(context, 'remove_operator', (trail) =>
        trail.demandCommit([{ kind: 'remove_operator', operatorId: found.id }], 'OPERATOR_UNKNOWN'),
      );
    },
  };
}
