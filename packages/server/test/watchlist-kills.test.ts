import assert from 'node:assert/strict';
import { it } from 'node:test';
import { killWhileTelling } from './harness/watchlist-kills.ts';

it('every change of a watched card is told, in order and none invented, through kills and a receiver that fails', async (t) => {
  const plan = { cards: 100, changed: 50, changedTwice: 20, changedLater: 10, kills: 3 };
  const report = await killWhileTelling(plan);
  t.diagnostic(JSON.stringify(report));
  const { missing, disordered, invented, notifications } = report;
  assert.deepEqual({ missing, disordered, invented }, { missing: 0, disordered: 0, invented: 0 });
  assert.equal(notifications, plan.changed + plan.changedTwice);
});
