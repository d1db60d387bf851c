import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeKeyHome } from '../test/harness/key-home.ts';
import { KEY_COMMANDS, killAtEveryStep, runKeyCommand } from '../test/harness/key-kill.ts';

const keyHome = await makeKeyHome(600); // Three pages of numbers.

describe('killed by SIGKILL before and after each of its commits, then run again', () => {
  for (const command of KEY_COMMANDS) {
    it(`${command} leaves every card readable, and no token twice`, async (t) => {
      // There is something to move from then on.
      if (command === 'retokenize') runKeyCommand(keyHome.home, 'rotate', undefined);
      const killCount = await killAtEveryStep(keyHome, command, ['before', 'after'], 1);
      t.diagnostic(`killed ${killCount} times`);
      assert(killCount >= 4);
    });
  }
});
