import type { AuditLoss as Loss } from '../domain/audit-record.ts';
import { parseCanonical } from './canonical.ts';

/** What is missing from a log, and what of it an operator has accepted by name. */
export interface LossBook {
  /** Numbers of chains that the log skips. */
  missingChains(from: number, through: number): void;
  /** Does nothing when nothing is missing. */
  missingBlocks(loss: Loss): void;
  accept(losses: readonly Loss[]): void;
  accepted(): readonly string[];
  unaccepted(): readonly { chain: string; position: number; what: string }[];
  /** One that goes on from here by itself. */
  fork(): LossBook;
}

interface Entries {
  readonly gaps: readonly { from: number; through: number }[];
  readonly missing: readonly Loss[];
  readonly acceptances: readonly Loss[];
}

const NO_ENTRIES: Entries = { gaps: [], missing: [], acceptances: [] };

export function makeLossBook(before = NO_ENTRIES): LossBook {
  const gaps = [...before.gaps];
  const missing = [...before.missing];
  const acceptances = [...before.acceptances];

  const isAccepted = ({ chain, keptPosition, lostThrough }: Loss) =>
    acceptances.some(
      (each) =>
        each.chain === chain &&
        each.keptPosition === keptPosition &&
        each.lostThrough >= lostThrough,
    );
  const isGapAccepted = (number: number) => acceptances.some((each) => each.number === number);

  return {
    missingChains(from, through) {
      if (from <= through) gaps.push({ from, through });
    },
    missingBlocks(loss) {
      if (loss.lostThrough > loss.keptPosition) missing.push(loss);
    },
    accept(losses) {
      acceptances.push(...losses);
    },
    accepted: () => acceptances.map(describeLoss),
    unaccepted() {
      const lost = missing
        .filter((loss) => !isAccepted(loss))
        .map((loss) => ({
          chain: loss.chain,
          position: loss.keptPosition,
          what: describeLoss(loss),
        }));
      const skipped = gaps
        .filter(({ from, through }) => !everyNumber(from, through, isGapAccepted))
        .map(({ from, through }) => ({
          chain: '',
          position: 0,
          what: `chains ${from} to ${through} are missing`,
        }));
      return [...skipped, ...lost];
    },
    fork: () => makeLossBook({ gaps, missing, acceptances }),
  };
}

export function describeLoss({ number, chain, keptPosition, lostThrough }: Loss): string {
  return `chain ${number} (${chain}) ends at block ${keptPosition}, but had ${lostThrough}`;
}

const ACCEPTANCE = '"action":"accept_restore"';

/** The losses an audit record accepts; of nearly all records, none. */
export function acceptedLosses(line: string | Uint8Array): readonly Loss[] {
  const text = typeof line === 'string' ? line : Buffer.from(line).toString('utf8');
  if (!text.includes(ACCEPTANCE)) return [];
  const record = parseCanonical(text);
  const isAcceptance = record?.action === 'accept_restore' && record.outcome === 'done';
  return isAcceptance && Array.isArray(record.losses) ? (record.losses as Loss[]) : [];
}

function everyNumber(from: number, through: number, holds: (number: number) => boolean): boolean {
  for (let number = from; number <= through; number++) if (!holds(number)) return false;
  return true;
}
