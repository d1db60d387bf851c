import { Refusal } from '../domain/error.ts';
import type { Audited } from './audit-trail.ts';
import type { BudgetStore, Lift } from './budget-ports.ts';
import type { Clock, Random } from './ports.ts';

export interface LiftBudgetDeps {
  readonly audited: Audited;
  readonly budgetStore: BudgetStore;
  readonly clock: Clock;
  readonly random: Random;
}

export interface LiftRequest {
  /** `caller:<id>` or `merchant:<id>` */
  readonly who: string;
  /** 2 to 1000 */
  readonly times: number;
  /** 1 to 720 */
  readonly hours: number;
  readonly reason: string;
}

/** Lifting a limit for a time takes two: one who asks and another who approves. */
export interface LiftBudget {
  /** @throws {Refusal} `REQUEST_INVALID` naming the field. */
  request(operator: string, request: LiftRequest, requestId: string): Promise<Lift>;
  /** @throws {Refusal} `LIFT_NOT_FOUND`, `LIFT_NEEDS_ANOTHER`, `ALREADY_REGISTERED` */
  approve(operator: string, id: string, requestId: string): Promise<Lift>;
  /** Those that have not ended. */
  list(): Promise<readonly Lift[]>;
}

const HOUR_MS = 3_600_000;

export function makeLiftBudget(deps: LiftBudgetDeps): LiftBudget {
  const { audited, budgetStore, clock, random } = deps;
  return {
    async request(operator, given, requestId) {
      const { who, times, hours, reason } = demandValid(given);
      const requestedAtMs = clock.nowMs();
      const lift: Lift = {
        id: Buffer.from(random.bytes(4)).toString('hex'),
        who,
        times,
        reason,
        requestedBy: operator,
        requestedAtMs,
        untilMs: requestedAtMs + hours * HOUR_MS,
      };
      await audited({ who: `operator:${operator}`, requestId }, 'request_lift', async (trail) => {
        trail.note({ lift: { id: lift.id, who, times, untilMs: lift.untilMs } });
        await trail.commit([{ kind: 'add_lift', lift }]);
      });
      return lift;
    },

    approve(operator, id, requestId) {
      const context = { who: `operator:${operator}`, requestId };
      return audited(context, 'approve_lift', async (trail) => {
        const found = (await budgetStore.listLifts(clock.nowMs())).find((each) => each.id === id);
        if (found === undefined) throw new Refusal('LIFT_NOT_FOUND');
        const { who, times, untilMs, requestedBy } = found;
        trail.note({ lift: { id, who, times, untilMs } });
        if (sameName(requestedBy, operator)) throw new Refusal('LIFT_NEEDS_ANOTHER');
        const atMs = clock.nowMs();
        const outcome = await trail.commit([{ kind: 'approve_lift', id, by: operator, atMs }]);
        if (!outcome.committed) throw new Refusal('ALREADY_REGISTERED');
        return { ...found, approvedBy: operator };
      });
    },

    list: () => budgetStore.listLifts(clock.nowMs()),
  };
}

function demandValid(request: LiftRequest): LiftRequest {
  const { who, times, hours, reason } = request;
  const isBetween = (value: number, max: number) => Number.isInteger(value) && value <= max;
  const refuse = (field: string) => new Refusal('REQUEST_INVALID', { field });
  if (!/^(?:caller|merchant):[0-9a-f]{32}$/.test(who)) throw refuse('who');
  if (!isBetween(times, 1_000) || times < 2) throw refuse('times');
  if (!isBetween(hours, 720) || hours < 1) throw refuse('hours');
  // What is written down for people holds no card number: no run of digits is as long as one.
  if (!/^.{1,200}$/.test(reason) || /\d{9}/.test(reason)) throw refuse('reason');
  return request;
}

function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
