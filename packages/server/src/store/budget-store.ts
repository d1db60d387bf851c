import type { BudgetStore, Charge, Lift } from '../usecase/budget-ports.ts';
import type { Reader, Row } from './statements.ts';

/** Charges in table budget_charge, lifts in budget_lift and budget_lift_approval. */
export function makeBudgetStore(reader: Reader): BudgetStore {
  return {
    async *charges(sinceMs, exceptWriter = '') {
      let [atMs, who, card] = [sinceMs, '', -1];
      for (;;) {
        const rows = await reader.read('listCharges', [atMs, who, card, exceptWriter]);
        const last = rows.at(-1);
        if (last === undefined) return;
        const page = rows.map(chargeOf);
        yield page;
        [atMs, who, card] = [Number(last.atMs), String(last.who), Number(last.card)];
      }
    },
    async listLifts(nowMs) {
      return (await reader.read('listLifts', [nowMs])).map(liftOf);
    },
  };
}

function chargeOf(row: Row): Charge {
  return {
    atMs: Number(row.atMs),
    who: String(row.who),
    card: Number(row.card),
    book: Number(row.book),
    writer: String(row.writer),
  };
}

function liftOf(row: Row): Lift {
  return {
    id: String(row.id),
    who: String(row.who),
    times: Number(row.times),
    reason: String(row.reason),
    requestedBy: String(row.requestedBy),
    requestedAtMs: Number(row.requestedAtMs),
    untilMs: Number(row.untilMs),
    approvedBy: row.approvedBy === null ? undefined : String(row.approvedBy),
  };
}
