import type { Alarm, AlarmFacts, AlarmKind } from '../usecase/audit-ports.ts';
import type { Webhook } from './webhook.ts';

/** What an alarm needs of a log. */
export interface AlarmLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface AlarmDeps {
  readonly log: AlarmLog;
  /** Told as JSON `{ alarm, at, node, facts }`. */
  readonly webhook: Webhook | undefined;
  readonly node: string;
  /** Counts alarms, for metrics. */
  count(kind: AlarmKind): void;
  nowMs(): number;
}

/** An alarm of one kind with the same facts is told once in so long: it must not drown others. */
const SILENCE_MS = 60_000;

/** So many may be on their way to the webhook; more are in the log only. */
const UNDER_WAY_MAX = 16;

/** So many kinds and facts are told apart; then the memory of them starts anew. */
const REMEMBERED_MAX = 10_000;

/** Alarms as lines of the log, and to a webhook. */
export function makeAlarm({ log, webhook, node, count, nowMs }: AlarmDeps): Alarm {
  const lastMs = new Map<string, number>();
  let underWay = 0;

  async function tell(kind: AlarmKind, facts: AlarmFacts, atMs: number): Promise<void> {
    if (webhook === undefined || underWay >= UNDER_WAY_MAX) return;
    underWay++;
    try {
      const at = new Date(atMs).toISOString();
      await webhook.post('application/json', JSON.stringify({ alarm: kind, at, node, facts }));
    } catch (err) {
      log.error({ alarm: kind, err }, 'the alarm could not be told');
    } finally {
      underWay--;
    }
  }

  return {
    raise(kind, facts) {
      count(kind);
      const key = `${kind} ${JSON.stringify(facts)}`;
      const atMs = nowMs();
      if (atMs - (lastMs.get(key) ?? Number.NEGATIVE_INFINITY) < SILENCE_MS) return;
      if (lastMs.size >= REMEMBERED_MAX) lastMs.clear();
      lastMs.set(key, atMs);
      log.error({ alarm: kind, facts }, 'alarm');
      void tell(kind, facts, atMs);
    },
  };
}
