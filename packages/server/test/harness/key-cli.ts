import { Command } from 'commander';
import type { KeyTools } from '../../src/cli/key-tools.ts';
import { addKeys } from '../../src/cli/keys.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** What a test knows of a command line: nobody sits there. */
const NOBODY: Terminal = {
  isInteractive: false,
  askHidden: () => Promise.reject(new Error('nobody is asked')),
  readLines: async () => [],
};

/**
 * Gives a command of keys as it is typed, `rotate --organization 100`, to the tools of a home.
 *
 * @returns what was printed.
 */
export async function giveKeyCommand(
  tools: KeyTools,
  argv: readonly string[],
  terminal: Terminal = NOBODY,
): Promise<string> {
  const printed: string[] = [];
  const root = new Command('pantoken').exitOverride();
  addKeys(root, {
    defaults: { home: '/nowhere', port: 0 },
    keys: {
      open: async () => ({ ...tools, end: async () => undefined }),
      restore: () => Promise.reject(new Error('not here')),
    },
    print: (text) => void printed.push(text),
    terminal,
  });
  await root.parseAsync(['keys', ...argv], { from: 'user' });
  return printed.join('\n');
}
