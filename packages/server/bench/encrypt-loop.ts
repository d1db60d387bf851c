/** The yardstick of validation: what a bare loop of Node's own `publicEncrypt` does in a second. */
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';

const SECONDS = 3;
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
const key = { key: publicKey, padding: constants.RSA_PKCS1_PADDING };
const text = Buffer.from(JSON.stringify({ status: 'V', scheme: 'visa', oldpan: '0'.repeat(16) }));
const until = performance.now() + SECONDS * 1000;
let count = 0;
while (performance.now() < until) {
  publicEncrypt(key, text).toString('base64');
  count++;
}
process.stdout.write(`${count / SECONDS}\n`);
