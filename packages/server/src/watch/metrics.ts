import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What is asked when somebody looks. */
export interface MetricSources {
  checkpointLag(): { readonly blocks: number; readonly seconds: number };
  isAuditWritable(): boolean;
  lossCount(): number;
  budgetUse(): { readonly hour: number; readonly day: number };
  /** The newest key of each organization and purpose. */
  keyAges(): Promise<readonly { organization: string; purpose: string; seconds: number }[]>;
  /** Of each closed token key, how many of its tokens were seen since. */
  closedEpochs(): Promise<readonly { organization: string; epoch: number; seenCount: number }[]>;
}

/** Counts what happens, and shows it in the form of Prometheus. Labels hold names of ours only. */
export interface Metrics {
  answered(operation: string, status: number, seconds: number): void;
  refused(code: string): void;
  alarm(kind: string): void;
  spansDropped(count: number): void;
  /** Set once; before, the gauges are empty. */
  watch(sources: MetricSources): void;
  render(): Promise<{ contentType: string; text: string }>;
}

/** From half a millisecond, an inquiry, to 2.5 s, when something is wrong. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function makeMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const collector = collectDefaultMetrics({ register: registry }); // The event loop's lag among it.
  void collector;
  const durations = new Histogram({
    name: 'pantoken_request_duration_seconds',
    help: 'Time to answer, by operation and class of status',
    labelNames: ['operation', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const refusals = new Counter({
    name: 'pantoken_refusals_total',
    help: 'Requests refused, by code (docs/errors.md)',
    labelNames: ['code'],
    registers,
  });
  const alarms = new Counter({
    name: 'pantoken_alarms_total',
    help: 'Alarms raised, repeated ones among them',
    labelNames: ['alarm'],
    registers,
  });
  const dropped = new Counter({
    name: 'pantoken_spans_dropped_total',
    help: 'Spans the collector of traces did not take',
    registers,
  });
  let sources: MetricSources | undefined;
  addGauges(registry, () => sources);
  return {
    answered: (operation, status, seconds) =>
      durations.observe({ operation, status: `${Math.floor(status / 100)}xx` }, seconds),
    refused: (code) => refusals.inc({ code }),
    alarm: (kind) => alarms.inc({ alarm: kind }),
    spansDropped: (count) => dropped.inc(count),
    watch(given) {
      sources = given;
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

function addGauges(registry: Registry, sources: () => MetricSources | undefined): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (gauge: Gauge, from: MetricSources) => void | Promise<void>,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      async collect() {
        const from = sources();
        if (from !== undefined) await collect(this, from);
      },
    });
  gauge('pantoken_audit_unsigned_blocks', 'Blocks no checkpoint covers yet', [], (each, from) =>
    each.set(from.checkpointLag().blocks),
  );
  gauge('pantoken_audit_lag_seconds', 'How long the oldest of them waits', [], (each, from) =>
    each.set(from.checkpointLag().seconds),
  );
  gauge('pantoken_audit_writable', '0: no number leaves', [], (each, from) =>
    each.set(Number(from.isAuditWritable())),
  );
  gauge('pantoken_audit_losses', 'Losses of a restore not yet accepted', [], (each, from) =>
    each.set(from.lossCount()),
  );
  gauge(
    'pantoken_budget_used_ratio',
    'The largest part of its total budget that one requester has used',
    ['window'],
    (each, from) => {
      const { hour, day } = from.budgetUse();
      each.set({ window: 'hour' }, hour);
      each.set({ window: 'day' }, day);
    },
  );
  gauge(
    'pantoken_key_age_seconds',
    'Age of the newest key',
    ['organization', 'purpose'],
    async (each, from) => {
      each.reset();
      for (const { organization, purpose, seconds } of await from.keyAges()) {
        each.set({ organization, purpose }, seconds);
      }
    },
  );
  gauge(
    'pantoken_closed_epoch_tokens_seen',
    'Tokens of a closed key that were seen since it was closed, and refused',
    ['organization', 'epoch'],
    async (each, from) => {
      each.reset();
      for (const { organization, epoch, seenCount } of await from.closedEpochs()) {
        each.set({ organization, epoch }, seenCount);
      }
    },
  );
}
