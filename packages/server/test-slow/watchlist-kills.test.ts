import assert from 'node:assert/strict';
import { it } from 'node:test';
import { killWhileTelling } from '../test/harness/watchlist-kills.ts';

it('10,000 watched cards, half of them changed, 10 kills, a receiver that fails a third of the time', async (t) => {
  const plan = {
    ...{ cards: 10_000, changed: 5_000, changedTwice: 1_500, changedLater: 500, kills: 10 },
  };
  const report = await killWhileTelling(plan);
  t.diagnostic(JSON.stringify(report));
  const { missing, disordered, invented, notifications } = report;
  assert.deepEqual({ missing, disordered, invented }, { missing: 0, disordered: 0, invented: 0 });
  assert.equal(notifications, plan.changed + plan.changedTwice);
});
