import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type KeyObject, privateDecrypt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { compactDecrypt } from 'jose';
import { MESSAGE_ALGORITHMS, type MessageAlgorithm } from '../../src/domain/merchant.ts';
import { RSA_OPTIONS } from '../../src/keys/message-forms.ts';
import { startLetterSources } from '../harness/letters.ts';

const { sources, keys, close } = await startLetterSources();
after(close);

async function decrypt(key: KeyObject, algorithm: MessageAlgorithm, encdata: string) {
  if (algorithm !== 'jwe') {
    const bytes = Buffer.from(encdata, 'base64');
    return JSON.parse(privateDecrypt({ key, ...RSA_OPTIONS[algorithm] }, bytes).toString());
  }
  const { plaintext, protectedHeader } = await compactDecrypt(encdata, key);
  assert.deepEqual([protectedHeader.alg, protectedHeader.enc], ['RSA-OAEP-256', 'A256GCM']);
  return JSON.parse(Buffer.from(plaintext).toString());
}

const NEW_FIELDS = { A: ['newpan', 'newexpmonth', 'newexpyear'], E: ['newexpmonth', 'newexpyear'] };

describe('every letter', () => {
  const letters = { 'mastercard-abu': 'ACENPV' } as Readonly<Record<string, string>>;

  for (const { name, cards, ask } of sources) {
    it(`that ${name} knows is answered, however the merchant asks and is encrypted to`, async () => {
      const seen = new Set<string>();
      for (const card of cards) {
        const { pan: oldpan, letter } = card;
        const answers = new Set<string>();
        for (const algorithm of MESSAGE_ALGORITHMS) {
          for (const way of ['clear', 'encrypted'] as const) {
            const encdata = await ask(card, algorithm, way);
            const answer = await decrypt(keys[algorithm], algorithm, encdata);
            assert.deepEqual([answer.status, answer.oldpan], [letter, oldpan]);
            answers.add(JSON.stringify(answer));
          }
        }
        assert.equal(answers.size, 1);
        const [answer = ''] = answers;
        const fresh = Object.keys(JSON.parse(answer)).filter((each) => each.startsWith('new'));
        assert.deepEqual(fresh, NEW_FIELDS[letter as 'A'] ?? []);
        seen.add(letter);
      }
      assert.equal([...seen].sort().join(''), letters[name] ?? 'ACENOPQV');
    });
  }

  it('is opened by openssl, by both paddings', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pantoken-letter-'));
    after(() => rmSync(folder, { recursive: true }));
    const [source] = sources;
    const card = source?.cards.find(({ letter }) => letter === 'A');
    assert(source && card);
    const padding = {
      'rsa-v1_5': ['-pkeyopt', 'rsa_padding_mode:pkcs1'],
      'rsa-oaep-256': [
        ...['-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha256'],
        ...['-pkeyopt', 'rsa_mgf1_md:sha256'],
      ],
    } as const;
    for (const algorithm of ['rsa-v1_5', 'rsa-oaep-256'] as const) {
      const key = join(folder, 'key.pem');
      writeFileSync(key, keys[algorithm].export({ type: 'pkcs8', format: 'pem' }));
      const input = Buffer.from(await source.ask(card, algorithm, 'clear'), 'base64');
      const args = ['pkeyutl', '-decrypt', '-inkey', key, ...padding[algorithm]];
      const { status } = JSON.parse(execFileSync('openssl', args, { input }).toString());
      assert.equal(status, 'A');
    }
  });
});
