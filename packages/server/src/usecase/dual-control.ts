import { Refusal } from '../domain/error.ts';
import type { Audited } from './audit-trail.ts';
import type { OperatorStore, RegisteredOperator } from './key-ports.ts';
import type { Change, Clock, Credentials, Random } from './ports.ts';

/** How long a command waits for the second operator. */
export const APPROVAL_MS = 15 * 60 * 1000;

/** With so many operators, no destructive command runs on the word of one. */
export const DUAL_CONTROL_FROM = 2;

export interface OperatorWord {
  /** The credential of the operator who runs the command. */
  readonly credential?: string | undefined;
  /** The credential of the second operator, who runs the same command again to approve it. */
  readonly approve?: string | undefined;
}

/** @returns who runs the command, for the record. */
export type Authorize = (command: string, word: OperatorWord) => Promise<string>;

export interface DualControlDeps {
  readonly operators: OperatorStore;
  readonly credentials: Credentials;
  readonly audited: Audited;
  readonly random: Random;
  readonly clock: Clock;
}

/**
 * Dual control: with two operators registered, or more, a destructive command is asked for by one and
 * runs when another one gives the very same command with an approval, within 15 minutes. An approval
 * serves once. With fewer operators a command runs at once.
 *
 * It protects from mistakes and from one operator alone. Whoever can write the database and read the
 * key-encryption key needs no command.
 *
 * @throws {Refusal} `OPERATOR_UNKNOWN`, `APPROVAL_MISSING`
 */
export function makeAuthorize(deps: DualControlDeps): Authorize {
  const { operators, clock } = deps;
  return async (command, { credential, approve }) => {
    const registered = await operators.listOperators();
    const first = credential === undefined ? undefined : find(deps, registered, credential);
    if (registered.length < DUAL_CONTROL_FROM) return first ? `operator:${first.id}` : 'operator';
    if (approve === undefined) {
      if (first === undefined) throw new Refusal('OPERATOR_UNKNOWN');
      const until = await ask(deps, command, first);
      throw new Refusal('APPROVAL_MISSING', { until });
    }
    const second = find(deps, registered, approve);
    const approval = await operators.findApproval(command);
    const isTimely =
      approval !== undefined && Math.abs(clock.nowMs() - approval.requestedAtMs) <= APPROVAL_MS;
    if (!isTimely || approval.requestedBy === second.id) throw new Refusal('APPROVAL_MISSING');
    await note(deps, `operator:${second.id}`, command, { kind: 'end_approval', command });
    return `operator:${approval.requestedBy}+${second.id}`;
  };
}

function find(
  { credentials }: DualControlDeps,
  registered: readonly RegisteredOperator[],
  credential: string,
): RegisteredOperator {
  const digest = credentials.digest(credential);
  const found = registered.find(({ credentialDigest }) => credentialDigest === digest);
  if (found === undefined) throw new Refusal('OPERATOR_UNKNOWN');
  return found;
}

async function ask(
  deps: DualControlDeps,
  command: string,
  { id }: RegisteredOperator,
): Promise<string> {
  const requestedAtMs = deps.clock.nowMs();
  const approval = { command, requestedBy: id, requestedAtMs };
  await note(deps, `operator:${id}`, command, { kind: 'ask_approval', approval });
  return new Date(requestedAtMs + APPROVAL_MS).toISOString();
}

async function note(
  { audited, random }: DualControlDeps,
  who: string,
  command: string,
  change: Change,
): Promise<void> {
  await audited({ who, requestId: random.recordId() }, 'ask_approval', async (trail) => {
    trail.note({ key: command });
    await trail.demandCommit([change], 'APPROVAL_MISSING');
  });
}
