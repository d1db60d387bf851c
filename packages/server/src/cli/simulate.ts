import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Program } from './program.ts';

const DEFAULT_PORTS = { visa: 8490, mastercard: 8491 } as const;

/** `pantoken simulate visa|mastercard`: a scheme to try connectors against. */
export function addSimulate(root: Command, program: Program): void {
  const group = root
    .command('simulate')
    .description("a card scheme's account updater on this machine, with its published test cards");
  for (const scheme of ['visa', 'mastercard'] as const) {
    group
      .command(scheme)
      .option('--home <folder>', 'where its keys are kept', `.pantoken/simulate-${scheme}`)
      .option('--port <number>', 'TCP port on 127.0.0.1', String(DEFAULT_PORTS[scheme]))
      .addHelpText(
        'after',
        `
Makes certificates, keys and passwords in its folder, once (needs openssl), and prints the section of
updater.json that connects a service to it. It demands what the real one demands. With its client
certificate, POST /simulator/fault injects delays and faults ({"delayMs","status","kind","count"}; {}
ends them) and POST /simulator/push fires a notification ({"url","account","change"}).`,
      )
      .action(async (options: { home: string; port: string }) => {
        const port = program.parsePort(options.port);
        if (port === undefined) throw new Error('--port is an integer from 1 to 65535');
        const simulator = await program.simulate(scheme, resolve(options.home), port);
        program.print(`The simulated ${scheme} listens on ${simulator.url}. In updater.json:`);
        program.print(JSON.stringify({ [scheme]: simulator.section }, undefined, 2));
        program.print('Ctrl-C stops it.');
        await program.untilStopped();
        await simulator.close();
      });
  }
}
