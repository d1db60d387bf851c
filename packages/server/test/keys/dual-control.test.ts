import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { KeyTools } from '../../src/cli/key-tools.ts';
import { Refusal, type RefusalCode } from '../../src/domain/error.ts';
import { openKeyTools } from '../../src/key-tools.ts';
import { formatComponent } from '../../src/keys/key-component.ts';
import { custodyFileIn } from '../../src/opened-home.ts';
import { giveKeyCommand } from '../harness/key-cli.ts';
import { makeKeyHome } from '../harness/key-home.ts';
import { KEY_OPERATOR, QUIET } from '../harness/key-tools.ts';
import { auditOf } from '../harness/service.ts';

const MINUTES_15 = 15 * 60_000;
const refusal = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

const keyHome = await makeKeyHome(3);

/** The tools of a copy of the home, its settings of dual control, and a clock that is moved. */
async function openTools(dualControl: { always: boolean; rotations: boolean }) {
  const home = keyHome.copy();
  const path = custodyFileIn(home);
  const settings = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...settings, dualControl }));
  let movedMs = 0;
  const clock = { nowMs: () => Date.now() + movedMs };
  const surroundings = { clock, pause: async () => undefined };
  const tools = await openKeyTools(home, QUIET, {}, surroundings);
  after(() => tools.end());
  return {
    home,
    tools,
    moveClock(byMs: number) {
      movedMs += byMs;
    },
  };
}

/** Registers an operator; the credential is in a file, as it should be. */
async function addOperator(home: string, tools: KeyTools, name: string): Promise<string> {
  const { credential } = await tools.operators.add(KEY_OPERATOR, name);
  return write(home, name, credential);
}

function write(home: string, name: string, text: string): string {
  const path = join(home, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}

describe('every command that changes custody or destroys', async () => {
  const { home, tools, moveClock } = await openTools({ always: true, rotations: true });
  const alice = await addOperator(home, tools, 'alice');
  const bob = await addOperator(home, tools, 'bob');
  const [a, b] = [randomBytes(32), randomBytes(32)].map(formatComponent);
  assert(a && b);
  const [fileA, fileB] = [write(home, 'a', a), write(home, 'b', b)];
  const kek = { id: 'second', provider: 'file', options: { path: 'second-key' } };
  const settings = write(home, 'kek.json', JSON.stringify(kek));
  const parts = ['--component', fileA, '--component', fileB];
  const transport = ['--transport-component', fileA, '--transport-component', fileB];
  mkdirSync(join(home, 'backup'));

  // In an order in which each of them can be done. The last one: what the record of it says.
  const commands: readonly (readonly [string, string])[] = [
    ['rotate --organization 100', 'activate_key'],
    ['retokenize --organization 100', 'retokenize'],
    ['retokenize --organization 100 --retire', 'close_key'],
    ['destroy --organization 100 --epoch 1 --quiet-days 0 --confirm 100', 'destroy_key'],
    [`import --organization 100 ${parts.join(' ')}`, 'import_key'],
    [`export --organization 100 --epoch 3 ${transport.join(' ')}`, 'export_key'],
    ['rotate --organization 100', 'activate_key'],
    ['close --organization 100 --epoch 2', 'close_key'],
    ['rekey --organization 100 --purpose data', 'rekey'],
    ['rekey --organization 100 --purpose index', 'rekey'],
    [`kek add --settings ${settings} --create`, 'add_kek'],
    ['rewrap --to second', 'rewrap_key'],
    ['kek remove --id first', 'remove_kek'],
    [`backup --out ${join(home, 'backup')} --shares 3 --threshold 2`, 'back_up_key'],
    ['service rekey --purpose caller-secret', 'rekey'],
    ['service destroy --purpose caller-secret --epoch 1 --confirm 1', 'destroy_key'],
    ['operators add --name carol', 'add_operator'],
    ['operators remove --name carol', 'remove_operator'],
  ];
  for (const [command, action] of commands) {
    it(`${command.replaceAll(home, '').slice(0, 60)} needs two operators`, async () => {
      const give = (...word: string[]) => giveKeyCommand(tools, [...command.split(' '), ...word]);
      const countBefore = auditOf(home).length;
      const done = () => auditOf(home).filter((record) => record.action === action);
      const doneBefore = done().length;
      await assert.rejects(give(), refusal('OPERATOR_UNKNOWN'));
      await assert.rejects(give('--approve', bob), refusal('APPROVAL_MISSING'));
      await assert.rejects(give('--credential', alice), refusal('APPROVAL_MISSING'));
      await assert.rejects(give('--approve', alice), refusal('APPROVAL_MISSING'));
      moveClock(MINUTES_15 + 1);
      await assert.rejects(give('--approve', bob), refusal('APPROVAL_MISSING'));
      assert.equal(done().length, doneBefore);
      await assert.rejects(give('--credential', alice), refusal('APPROVAL_MISSING'));
      await give('--approve', bob);
      await assert.rejects(give('--approve', bob), refusal('APPROVAL_MISSING')); // It serves once.

      const [idA, idB] = (await operatorIds(home)) as [string, string];
      const record = done().at(-1);
      assert.equal(record?.who, `operator:${idA}+${idB}`);
      assert.equal(record?.outcome, 'done');
      const asked = auditOf(home).slice(countBefore);
      // Every word that was refused is on record with its code, and whose it was where that is known.
      const refused = asked.filter(({ outcome }) => outcome === 'refused');
      assert.deepEqual(
        refused.map(({ who, code }) => `${who} ${code}`),
        [
          'operator OPERATOR_UNKNOWN',
          `operator:${idB} APPROVAL_MISSING`,
          `operator:${idA} APPROVAL_MISSING`,
          `operator:${idB} APPROVAL_MISSING`,
          `operator:${idB} APPROVAL_MISSING`,
        ],
      );
    });
  }

  it('leaves nothing of a key in the records', () => {
    const text = JSON.stringify(auditOf(home)).toLowerCase();
    for (const line of [a, b]) {
      const digits = line.slice(0, -7).replaceAll(' ', '').toLowerCase();
      assert(!text.includes(digits) && !text.includes(line.toLowerCase()));
    }
  });
});

/** Those of alice and bob. */
async function operatorIds(home: string): Promise<readonly string[]> {
  const added = auditOf(home).filter(({ action }) => action === 'add_operator');
  return ['alice', 'bob'].map((name) => {
    const record = added.find(({ key }) => key?.startsWith(`operator ${name}, `));
    return record?.key?.split(', ')[1] ?? '';
  });
}

describe('what two operators are asked for', () => {
  it('is not a rotation, nor a reading, unless the settings say so', async () => {
    const { home, tools } = await openTools({ always: false, rotations: false });
    const alice = await addOperator(home, tools, 'alice');
    const bob = await addOperator(home, tools, 'bob');
    await giveKeyCommand(tools, ['rotate', '--organization', '100']);
    await giveKeyCommand(tools, ['rotate', '--organization', '100', '--credential', alice]);
    assert.match(auditOf(home).at(-1)?.who ?? '', /^operator:[0-9a-f]{32}$/);
    await giveKeyCommand(tools, ['list']);
    await giveKeyCommand(tools, ['kek', 'list', '--credential', bob]);
    const lists = auditOf(home).filter(({ action }) => action === 'list_keys');
    assert.equal(lists.length, 2);
    const wrong = write(home, 'wrong', 'somebody');
    await assert.rejects(
      giveKeyCommand(tools, ['list', '--credential', wrong]),
      refusal('OPERATOR_UNKNOWN'),
    );
  });

  it('can be asked for before there are two: then nothing is done until there are', async () => {
    const { home, tools } = await openTools({ always: true, rotations: false });
    const close = ['close', '--organization', '100', '--epoch', '1'];
    await giveKeyCommand(tools, ['rotate', '--organization', '100']);
    await assert.rejects(giveKeyCommand(tools, close), refusal('OPERATORS_TOO_FEW'));
    const alice = await addOperator(home, tools, 'alice');
    await assert.rejects(
      giveKeyCommand(tools, [...close, '--credential', alice]),
      refusal('OPERATORS_TOO_FEW'),
    );
    const bob = await addOperator(home, tools, 'bob');
    await assert.rejects(tools.operators.remove(KEY_OPERATOR, 'bob'), refusal('OPERATORS_TOO_FEW'));
    await assert.rejects(
      giveKeyCommand(tools, [...close, '--credential', alice]),
      refusal('APPROVAL_MISSING'),
    );
    await giveKeyCommand(tools, [...close, '--approve', bob]);
  });

  it('is nothing on the word of somebody who was removed, nor twice at the same moment', async () => {
    const { home, tools } = await openTools({ always: false, rotations: false });
    const names = ['alice', 'bob', 'carol'] as const;
    const [alice = '', bob = '', carol = ''] = await Promise.all(
      names.map((name) => addOperator(home, tools, name)),
    );
    const readWord = (path: string) => readFileSync(path, 'utf8').trim();
    const authorize = (word: { credential?: string; approve?: string }) =>
      tools.authorize('custody', 'x', word);
    await assert.rejects(authorize({ credential: readWord(alice) }), refusal('APPROVAL_MISSING'));
    const both = await Promise.allSettled(
      [bob, carol].map((path) => authorize({ approve: readWord(path) })),
    );
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    await assert.rejects(authorize({ credential: readWord(alice) }), refusal('APPROVAL_MISSING'));
    await tools.operators.remove(KEY_OPERATOR, 'alice');
    await assert.rejects(authorize({ approve: readWord(bob) }), refusal('APPROVAL_MISSING'));
  });
});

it('settings of dual control that are misspelt are no settings at all', async () => {
  const home = keyHome.copy();
  const path = custodyFileIn(home);
  const settings = JSON.parse(readFileSync(path, 'utf8'));
  for (const wrong of [
    { dualcontrol: { always: true, rotations: true } },
    { dualControl: { always: 'yes', rotations: true } },
    { dualControl: { always: true } },
    { dualControl: null },
  ]) {
    writeFileSync(path, JSON.stringify({ ...settings, ...wrong }));
    await assert.rejects(openKeyTools(home, QUIET, {}), /settings of key-encryption keys/);
  }
  const { dualControl: _, ...older } = settings;
  writeFileSync(path, JSON.stringify(older)); // Of a home that was made before there was any.
  await (await openKeyTools(home, QUIET, {})).end();
});
