import assert from 'node:assert/strict';
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { it } from 'node:test';
import { makeMessageCipher } from '../src/keys/message-cipher.ts';
import { makeLog } from '../src/log.ts';
import { openHome, systemClock } from '../src/opened-home.ts';
import { startService } from '../test/harness/service.ts';

/** Above it two times are told apart: the threshold of dudect (Reparaz, Balasch, Verbauwhede, 2017). */
const T_MAX = 4.5;

/** Welch's t of two samples, the slowest tenth of both left out: it is the machine's. */
function welch(a: readonly number[], b: readonly number[]): number {
  const cut = [...a, ...b].toSorted((x, y) => x - y)[Math.floor((a.length + b.length) * 0.9)] ?? 0;
  const [x, y] = [a, b].map((each) => {
    const kept = each.filter((value) => value <= cut);
    const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
    const variance = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (kept.length - 1);
    return { mean, share: variance / kept.length };
  });
  assert(x && y);
  return Math.abs(x.mean - y.mean) / Math.sqrt(x.share + y.share);
}

/** Times of two classes, drawn at random so that what the machine does meanwhile falls on both. */
async function timesOf(
  count: number,
  works: readonly [() => unknown, () => unknown],
): Promise<readonly [number[], number[]]> {
  const times: [number[], number[]] = [[], []];
  for (let done = 0; done < count; done++) {
    const which = (randomBytes(1)[0] ?? 0) & 1 ? 1 : 0;
    const startedAt = performance.now();
    await works[which]();
    times[which].push(performance.now() - startedAt);
  }
  return times;
}

it('a secret that is nearly right takes as long to refuse as one that is all wrong', async (t) => {
  const test = await startService();
  const { directory } = test.service;
  const registered = directory.listCredentials(test.callers.issuer.id)[0];
  assert(registered);
  const { secret } = test.issuer.credentials;
  const home = await openHome(
    test.home,
    makeLog('error', { write: () => undefined }),
    systemClock,
    {},
  );
  const { credentials } = home;
  const nearly = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
  const wrong = randomBytes(32).toString('base64url');
  const [a, b] = await timesOf(100_000, [
    () => credentials.isSecret(registered, nearly),
    () => credentials.isSecret(registered, wrong),
  ]);
  await home.close();
  const found = welch(a, b);
  t.diagnostic(`t = ${found.toFixed(2)} of ${a.length + b.length}`);
  assert(found < T_MAX, `t = ${found}`);
});

it('a message that was tampered with takes as long to decrypt as a good one', async (t) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
  const cipher = makeMessageCipher(
    { active: () => privateKey, living: () => [privateKey] },
    systemClock,
  );
  const padding = constants.RSA_PKCS1_PADDING;
  const key = createPublicKey(cipher.publicKeyPem());
  const good = publicEncrypt({ key, padding }, Buffer.from('{"pan":"x"}'));
  const tampered = Buffer.from(good);
  tampered[300] = (tampered[300] ?? 0) ^ 1;
  const [a, b] = await timesOf(4_000, [
    () => cipher.decrypt(good.toString('base64'), { id: 'merchant', algorithm: 'rsa-v1_5' }),
    () => cipher.decrypt(tampered.toString('base64'), { id: 'merchant', algorithm: 'rsa-v1_5' }),
  ]);
  await cipher.close();
  const found = welch(a, b);
  t.diagnostic(`t = ${found.toFixed(2)} of ${a.length + b.length}`);
  assert(found < T_MAX, `t = ${found}`);
});
