import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { AddZoneKey } from '../usecase/add-zone-key.ts';
import type { RequestContext } from '../usecase/audit-trail.ts';
import type { ChangeCallerKeys } from '../usecase/change-caller-keys.ts';
import type { DeleteCards } from '../usecase/delete-cards.ts';
import type { DisableCaller } from '../usecase/disable-caller.ts';
import type { DisableMerchant } from '../usecase/disable-merchant.ts';
import type { Directory } from '../usecase/ports.ts';
import type { Register } from '../usecase/register.ts';
import type { RotateCaller } from '../usecase/rotate-caller.ts';
import type { SetBait } from '../usecase/set-bait.ts';

/** What the commands of an operator do to a service; it may be running elsewhere at the same time. */
export interface OperatorService {
  readonly directory: Directory;
  readonly register: Register;
  readonly rotateCaller: RotateCaller;
  readonly disableCaller: DisableCaller;
  readonly changeCallerKeys: ChangeCallerKeys;
  readonly disableMerchant: DisableMerchant;
  readonly addZoneKey: AddZoneKey;
  readonly setBait: SetBait;
  readonly publicKeyPem: string;
  readonly deleteCards: DeleteCards;
  close(): Promise<void>;
}

/** What the commands of an operator need of the rest of the program. */
export interface OperatorProgram {
  readonly defaults: { readonly home: string | undefined };
  openOperatorService(home: string): Promise<OperatorService>;
  print(text: string): void;
}

/** The audit records of one command have one id. */
export function operatorContext(): RequestContext {
  return { who: 'operator', requestId: randomUUID() };
}

/** Adds `--home`, and opens and closes the service around what a command does. */
export function operating<Options>(
  command: Command,
  program: OperatorProgram,
  act: (service: OperatorService, name: string, options: Options) => Promise<void>,
): Command {
  const { home } = program.defaults;
  const option = new Option('--home <folder>', 'where the service is (PANTOKEN_HOME)');
  if (home === undefined) option.makeOptionMandatory();
  else option.default(home);
  return command.addOption(option).action(async (...given: unknown[]) => {
    const self = given.at(-1) as Command;
    const [name = ''] = self.args;
    const options = self.opts<Options & { home: string }>();
    const service = await program.openOperatorService(resolve(options.home));
    try {
      await act(service, name, options);
    } finally {
      await service.close();
    }
  });
}

/** Rows in columns, the head first. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}
