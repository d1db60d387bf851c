import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, it, type TestContext } from 'node:test';
import { KEY_OPERATOR, newToken, openTestHome, until, withKeyTools } from '../harness/key-tools.ts';
import { lacking } from '../harness/machine.ts';
import { startService, type TestService } from '../harness/service.ts';
import { makeSoftHsm } from '../harness/soft-hsm.ts';
import { startTransitServer } from '../harness/transit-server.ts';

const LETTERS = 100;

/** What a new home has in its settings. */
const KEY_CACHE_TTL_MS = 3600 * 1000;

/** A key-encryption key, and how its provider dies and comes back. */
interface MortalProvider {
  readonly settings: object;
  die(): void | Promise<void>;
  comeBack(): void | Promise<void>;
  readonly says: RegExp;
}

/** The service has its keys under this provider, and has got them from there. */
async function moveTo(test: TestService, settings: object): Promise<void> {
  const path = join(test.home, 'new-kek.json');
  writeFileSync(path, JSON.stringify({ id: 'new', ...settings }), { mode: 0o600 });
  await withKeyTools(test, async (tools) => {
    await tools.keks.add(KEY_OPERATOR, path, 'create');
    await tools.rewrap(KEY_OPERATOR, 'new');
    await tools.keks.remove(KEY_OPERATOR, 'first');
  });
  await test.restart();
  // Not before: a node that is reading the keys may look once more for the one they were under.
  rmSync(join(test.home, 'key-encryption-key'));
}

/** The clock that keys live by is not that of the wall: it is moved for all of this process. */
function moveTime(t: TestContext): (byMs: number) => void {
  const real = performance.now.bind(performance);
  let movedMs = 0;
  t.mock.method(performance, 'now', () => real() + movedMs);
  return (byMs) => {
    movedMs += byMs;
  };
}

async function outlives(t: TestContext, test: TestService, provider: MortalProvider) {
  const move = moveTime(t);
  const token = await newToken(test, LETTERS);
  const pan = (await test.issuer.numberOf(LETTERS, token)).data.cardNumber;
  await moveTo(test, provider.settings);
  const failures = () => test.logText().split('could not be read anew').length - 1;

  await provider.die();
  let isBack = false;
  t.after(() => isBack || provider.comeBack()); // Or the service could not be looked through.
  await assert.rejects(openTestHome(test.home), provider.says);
  // It asks four times within the hour. An hour without an answer is an hour of kept keys.
  move(KEY_CACHE_TTL_MS * 0.3);
  await until(async () => failures() > 0);
  move(KEY_CACHE_TTL_MS * 0.6);
  const kept = await test.issuer.numberOf(LETTERS, token);
  assert.equal(kept.data.cardNumber, pan);
  assert.equal((await test.issuer.create()).status, 200);

  move(KEY_CACHE_TTL_MS * 0.2);
  for (const refused of [
    await test.issuer.numberOf(LETTERS, token),
    await test.issuer.tokenOf(LETTERS, pan),
    await test.issuer.create(),
  ]) {
    assert.equal(refused.status, 503, refused.text);
    assert.equal(refused.code, 'KEY_PROVIDER_GONE');
    assert(!refused.text.includes(pan) && !refused.text.includes(token));
  }
  const lines = test
    .logText()
    .split('\n')
    .filter((line) => line.includes('could not be read anew'));
  assert.equal(lines.length, 1, lines.join('\n'));

  await provider.comeBack();
  isBack = true;
  move(60_000); // It tries again every two seconds.
  await until(async () => (await test.issuer.numberOf(LETTERS, token)).status === 200);
  assert.equal((await test.issuer.numberOf(LETTERS, token)).data.cardNumber, pan);
  assert.equal((await test.issuer.create()).status, 200);
  await (await openTestHome(test.home)).close();
}

// The services come first: what ends first is what began first, and they end with their keys.
const services = [await startService(), await startService()] as const;
const transit = await startTransitServer();
const noHsm = lacking('softhsm2', 'pkcs11js');
const hsm = noHsm ? undefined : makeSoftHsm('pantoken-death');

describe('a provider that dies while the service runs: keys serve for an hour, then 503, then again', () => {
  it('a transit server that is stopped', (t) =>
    outlives(t, services[0], {
      settings: { provider: 'vault-transit', options: transit.options },
      die: transit.stop,
      comeBack: transit.start,
      says: /is gone \(ECONN(REFUSED|RESET)\)/,
    }));

  it('a token of SoftHSM2 that is pulled out', { skip: noHsm }, (t) => {
    assert(hsm);
    const tokens = join(hsm.folder, 'tokens');
    return outlives(t, services[1], {
      settings: { provider: 'pkcs11', options: { ...hsm.options, keyLabel: 'pantoken' } },
      die: () => renameSync(tokens, `${tokens}-away`),
      comeBack: () => renameSync(`${tokens}-away`, tokens),
      says: /key-encryption key new/,
    });
  });
});
