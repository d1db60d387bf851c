import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeKeys, KEY_COMMANDS } from '../test/harness/key-change.ts';
import { KEY_ENGINES, makeKeyHome } from '../test/harness/key-home.ts';
import { KILL_MOMENTS, killAtEveryStep } from '../test/harness/key-kill.ts';

/** `KEY_KILL_CARDS=600`: three pages of numbers. The default is a page, and some minutes. */
const CARDS = Number(process.env.KEY_KILL_CARDS ?? 40);

for (const engine of KEY_ENGINES) {
  const keyHome = await makeKeyHome(CARDS, engine);

  describe(`killed by SIGKILL at each of its commits to ${engine}, then run again`, () => {
    for (const command of KEY_COMMANDS) {
      it(`${command} leaves every card readable, and no token twice`, async (t) => {
        // There is something to move from then on.
        if (command === 'retokenize') await changeKeys(keyHome, 'rotate');
        const killCount = await killAtEveryStep(keyHome, command, KILL_MOMENTS, 1);
        t.diagnostic(`${CARDS} cards, killed ${killCount} times`);
        assert(killCount >= 6);
      });
    }
  });
}
