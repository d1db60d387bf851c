import { Refusal } from '../domain/error.ts';
import type { Audited } from './audit-trail.ts';
import type { Approval, OperatorStore, RegisteredOperator } from './key-ports.ts';
import type { Clock, Credentials, Random } from './ports.ts';

/** How long a command waits for the second operator. */
export const APPROVAL_MS = 15 * 60 * 1000;

/** With so many operators, no command that changes custody runs on the word of one. */
export const DUAL_CONTROL_FROM = 2;

/** What a command of keys does, as far as it matters who may give it. */
export type KeyCommandKind =
  | 'custody' // destroys, or changes who can get at keys
  | 'rotation' // which key makes: two operators where the settings say so
  | 'operators' // who gives commands: the first ones are registered without anybody's word
  | 'reading';

/** What the settings of a home say of dual control, beyond that two operators are enough for it. */
export interface DualControlPolicy {
  /** With fewer than two operators, commands of custody are refused. */
  readonly always: boolean;
  /** Rotations need two operators as well. */
  readonly rotations: boolean;
}

export interface OperatorWord {
  /** The credential of the operator who runs the command. */
  readonly credential?: string | undefined;
  /** The credential of the second operator, who runs the same command again to approve it. */
  readonly approve?: string | undefined;
}

/** @returns who runs the command, for the record. */
export type Authorize = (
  kind: KeyCommandKind,
  command: string,
  word: OperatorWord,
) => Promise<string>;

export interface DualControlDeps {
  readonly operators: OperatorStore;
  readonly credentials: Credentials;
  readonly audited: Audited;
  readonly random: Random;
  readonly clock: Clock;
  readonly policy: DualControlPolicy;
}

/**
 * Dual control: a command that changes custody is asked for by one operator and runs when another one
 * gives the very same command with an approval, within 15 minutes. An approval serves once. With fewer
 * than two operators registered a command runs at once, unless the policy says otherwise.
 *
 * It protects from mistakes and from one operator alone. Whoever can write the database and read the
 * key-encryption key needs no command.
 *
 * @throws {Refusal} `OPERATOR_UNKNOWN`, `APPROVAL_MISSING`, `OPERATORS_TOO_FEW`; each is on record.
 */
export function makeAuthorize(deps: DualControlDeps): Authorize {
  return async (kind, command, { credential, approve }) => {
    const registered = await deps.operators.listOperators();
    const first = findByCredential(deps, registered, credential);
    const second = findByCredential(deps, registered, approve);
    const need = needOf(deps.policy, kind, registered.length);
    const who = second ?? first;
    const attempt = { deps, command, who: who ? `operator:${who.id}` : 'operator' };
    const isNobody = credential !== undefined && first === undefined;
    if (isNobody || (approve !== undefined && second === undefined)) {
      return refuse(attempt, new Refusal('OPERATOR_UNKNOWN'));
    }
    if (need === 'more operators') return refuse(attempt, new Refusal('OPERATORS_TOO_FEW'));
    if (need === 'nobody') return attempt.who;
    if (second !== undefined) return approveCommand(attempt, registered, second);
    if (first === undefined) return refuse(attempt, new Refusal('OPERATOR_UNKNOWN'));
    return ask(attempt, first);
  };
}

function needOf(
  { always, rotations }: DualControlPolicy,
  kind: KeyCommandKind,
  operatorCount: number,
): 'nobody' | 'two operators' | 'more operators' {
  if (kind === 'reading' || (kind === 'rotation' && !rotations)) return 'nobody';
  if (operatorCount >= DUAL_CONTROL_FROM) return 'two operators';
  return always && kind !== 'operators' ? 'more operators' : 'nobody';
}

function findByCredential(
  { credentials }: DualControlDeps,
  registered: readonly RegisteredOperator[],
  credential: string | undefined,
): RegisteredOperator | undefined {
  if (credential === undefined) return undefined;
  const digest = credentials.digest(credential);
  return registered.find(({ credentialDigest }) => credentialDigest === digest);
}

/** A command that somebody gives, and who it is. */
interface Attempt {
  readonly deps: DualControlDeps;
  readonly command: string;
  readonly who: string;
}

function contextOf({ deps, who }: Attempt) {
  return { who, requestId: deps.random.recordId() };
}

function refuse(attempt: Attempt, refusal: Refusal): Promise<never> {
  return attempt.deps.audited(contextOf(attempt), 'ask_approval', (trail) => {
    trail.note({ key: attempt.command });
    return Promise.reject(refusal);
  });
}

async function ask(attempt: Attempt, { id }: RegisteredOperator): Promise<never> {
  const { deps, command } = attempt;
  const requestedAtMs = deps.clock.nowMs();
  const approval = { command, requestedBy: id, requestedAtMs };
  await deps.audited(contextOf(attempt), 'ask_approval', async (trail) => {
    trail.note({ key: command });
    await trail.demandCommit([{ kind: 'ask_approval', approval }], 'APPROVAL_MISSING');
  });
  const until = new Date(requestedAtMs + APPROVAL_MS).toISOString();
  throw new Refusal('APPROVAL_MISSING', { until });
}

async function approveCommand(
  attempt: Attempt,
  registered: readonly RegisteredOperator[],
  second: RegisteredOperator,
): Promise<string> {
  const { deps, command } = attempt;
  return deps.audited(contextOf(attempt), 'approve_command', async (trail) => {
    trail.note({ key: command });
    const approval = await deps.operators.findApproval(command);
    if (approval === undefined || !isGood(approval, registered, second, deps.clock.nowMs())) {
      throw new Refusal('APPROVAL_MISSING');
    }
    // Of two that come at the same moment one ends it, and the other one is refused.
    await trail.demandCommit([{ kind: 'end_approval', approval }], 'APPROVAL_MISSING');
    return `operator:${approval.requestedBy}+${second.id}`;
  });
}

/** Asked for in time, by somebody else, who is an operator still. */
function isGood(
  { requestedBy, requestedAtMs }: Approval,
  registered: readonly RegisteredOperator[],
  second: RegisteredOperator,
  nowMs: number,
): boolean {
  const isTimely = Math.abs(nowMs - requestedAtMs) <= APPROVAL_MS;
  return isTimely && requestedBy !== second.id && registered.some(({ id }) => id === requestedBy);
}
