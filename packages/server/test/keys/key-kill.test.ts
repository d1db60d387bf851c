import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeKeyHome } from '../harness/key-home.ts';
import { KEY_COMMANDS, killAtEveryStep, runKeyCommand } from '../harness/key-kill.ts';

// One page of cards, killed after some commits: test-slow/ has more cards, all commits, and both moments.
const keyHome = await makeKeyHome(12);

describe('killed by SIGKILL after every third of its commits, then run again', () => {
  for (const command of KEY_COMMANDS) {
    it(`${command} leaves every card readable, and no token twice`, async () => {
      // There is something to move from then on.
      if (command === 'retokenize') runKeyCommand(keyHome.home, 'rotate', undefined);
      const killCount = await killAtEveryStep(keyHome, command, ['after'], 3);
      assert(killCount >= 1);
    });
  }
});
