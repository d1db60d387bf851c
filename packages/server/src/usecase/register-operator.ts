import { Refusal } from '../domain/error.ts';
import type { RequestContext } from './audit-trail.ts';
import { DUAL_CONTROL_FROM, type DualControlDeps } from './dual-control.ts';

/** People who run key commands. */
export interface RegisterOperator {
  /** The credential is returned once and cannot be read again. @throws {Refusal} `ALREADY_REGISTERED` */
  add(context: RequestContext, name: string): Promise<{ id: string; credential: string }>;
  /** @throws {Refusal} `OPERATOR_UNKNOWN`, `OPERATORS_TOO_FEW` when the settings demand two. */
  remove(context: RequestContext, name: string): Promise<void>;
}

const NAME_PATTERN = /^[\w.@-]{1,64}$/;

export function makeRegisterOperator(deps: DualControlDeps): RegisterOperator {
  const { operators, credentials, audited, random, clock, policy } = deps;
  return {
    async add(context, name) {
      if (!NAME_PATTERN.test(name)) throw new Refusal('REQUEST_INVALID', { field: 'name' });
      const id: string = random.recordId();
      const credential = credentials.newSecret();
      const credentialDigest = credentials.digest(credential);
      const operator = { id, name, credentialDigest, createdAtMs: clock.nowMs() };
      await audited(context, 'add_operator', (trail) => {
        trail.note({ key: `operator ${name}, ${id}` });
        return trail.demandCommit([{ kind: 'add_operator', operator }], 'ALREADY_REGISTERED');
      });
      return { id, credential };
    },

    async remove(context, name) {
      await audited(context, 'remove_operator', async (trail) => {
        const registered = await operators.listOperators();
        const found = registered.find((each) => each.name === name);
        if (found === undefined) throw new Refusal('OPERATOR_UNKNOWN');
        trail.note({ key: `operator ${name}, ${found.id}` });
        if (policy.always && registered.length <= DUAL_CONTROL_FROM) {
          throw new Refusal('OPERATORS_TOO_FEW');
        }
        const change = { kind: 'remove_operator', operatorId: found.id } as const;
        await trail.demandCommit([change], 'OPERATOR_UNKNOWN');
      });
    },
  };
}
