import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeKeys, KEY_COMMANDS } from '../harness/key-change.ts';
import { KEY_ENGINES, makeKeyHome } from '../harness/key-home.ts';
import { killAtEveryStep } from '../harness/key-kill.ts';

// Few cards, killed after some commits: test-slow/ has more cards, all commits, and every moment.
const EVERY = { sqlite: 5, postgres: 7 } as const;

for (const engine of KEY_ENGINES) {
  const keyHome = await makeKeyHome(12, engine);

  describe(`killed by SIGKILL after some of its commits to ${engine}, then run again`, () => {
    for (const command of KEY_COMMANDS) {
      it(`${command} leaves every card readable, and no token twice`, async () => {
        // There is something to move from then on.
        if (command === 'retokenize') await changeKeys(keyHome, 'rotate');
        const killCount = await killAtEveryStep(keyHome, command, ['after'], EVERY[engine]);
        assert(killCount >= 1);
      });
    }
  });
}
