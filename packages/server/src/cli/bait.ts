import type { Command } from 'commander';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { type OperatorProgram, operating, operatorContext } from './operator.ts';
import { organizationNumber } from './parse-option.ts';

interface BaitOptions {
  readonly organization: OrganizationNumber;
}

/** `pantoken bait mark|unmark|list` */
export function addBait(root: Command, program: OperatorProgram): void {
  const group = root
    .command('bait')
    .description('cards that nobody honest asks about: whoever does raises an alarm');
  for (const [name, isBait, description] of [
    ['mark', true, 'make a card bait'],
    ['unmark', false, 'make it an ordinary card again'],
  ] as const) {
    const command = group
      .command(`${name} <token>`)
      .description(description)
      .requiredOption('--organization <number>', 'whose card it is', organizationNumber);
    operating<BaitOptions>(command, program, async ({ setBait }, token, { organization }) => {
      const card = { kind: 'token', token } as const;
      await setBait.byOperator(operatorContext(), { organization, card, isBait });
      program.print(`Card ${token} is ${isBait ? 'bait' : 'an ordinary card'}.`);
    });
  }
  const list = group
    .command('list')
    .description('the tokens of the bait of an organization')
    .requiredOption('--organization <number>', 'whose cards they are', organizationNumber);
  operating<BaitOptions>(list, program, async ({ setBait }, _name, { organization }) => {
    for (const token of await setBait.list(organization)) program.print(token);
  });
}
