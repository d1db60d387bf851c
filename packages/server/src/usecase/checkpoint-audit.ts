import type { ChainTip } from '../audit/block.ts';
import type { Alarm, CheckpointSigner, CheckpointSink } from './audit-ports.ts';
import type { Clock } from './ports.ts';

export interface CheckpointerDeps {
  /** Where the chains of this run stand. */
  readonly tips: () => readonly ChainTip[];
  readonly signer: CheckpointSigner;
  readonly sinks: readonly CheckpointSink[];
  readonly alarm: Alarm;
  readonly clock: Clock;
  readonly limits: CheckpointLimits;
}

/** A chain gets a checkpoint after so many blocks or so long, whichever is first; none at rest. */
export interface CheckpointLimits {
  readonly blocks: number;
  readonly seconds: number;
}

/** What is written of the audit log and not yet signed. */
export interface CheckpointLag {
  readonly blocks: number;
  /** How long ago the oldest of them was first seen without a checkpoint. */
  readonly seconds: number;
}

export interface Checkpointer {
  /** Signs what is due. Rejects never: a sink that fails raises the alarm and is tried again. */
  run(): Promise<void>;
  /** Signs all that is not signed, whether due or not. */
  flush(): Promise<void>;
  lag(): CheckpointLag;
}

/** Keeps the second place up to date: signed checkpoints of every chain this run writes. */
export function makeCheckpointer(deps: CheckpointerDeps): Checkpointer {
  const { tips, signer, sinks, alarm, clock, limits } = deps;
  const signed = new Map<string, number>();
  /** Since when a chain has blocks without a checkpoint. */
  const waitingSinceMs = new Map<string, number>();
  let underWay: Promise<void> = Promise.resolve();

  const unsigned = () => tips().filter(({ chain, size }) => size > (signed.get(chain) ?? 0));

  function isDue({ chain, size }: ChainTip): boolean {
    const sinceMs = waitingSinceMs.get(chain) ?? clock.nowMs();
    waitingSinceMs.set(chain, sinceMs);
    const isOld = clock.nowMs() - sinceMs >= limits.seconds * 1000;
    return isOld || size - (signed.get(chain) ?? 0) >= limits.blocks;
  }

  async function put(tip: ChainTip): Promise<void> {
    const note = signer.sign(tip);
    const results = await Promise.allSettled(sinks.map((sink) => sink.put(note)));
    const failed = results.filter(({ status }) => status === 'rejected').length;
    if (failed > 0) {
      alarm.raise('checkpoint_failed', { chain: tip.chain, size: tip.size, sinkCount: failed });
      return;
    }
    signed.set(tip.chain, tip.size);
    waitingSinceMs.delete(tip.chain);
  }

  /** One after the other, so that the notes of a chain stand in order. */
  function putAll(due: readonly ChainTip[]): Promise<void> {
    underWay = underWay.then(async () => {
      for (const tip of due) await put(tip);
    });
    return underWay;
  }

  return {
    run: () => putAll(unsigned().filter(isDue)),
    flush: () => underWay.then(() => putAll(unsigned())),
    lag() {
      const waiting = unsigned();
      const blocks = waiting.reduce(
        (sum, each) => sum + each.size - (signed.get(each.chain) ?? 0),
        0,
      );
      const now = clock.nowMs();
      const oldest = Math.min(now, ...waiting.map(({ chain }) => waitingSinceMs.get(chain) ?? now));
      return { blocks, seconds: (now - oldest) / 1000 };
    },
  };
}
