/**
 * The other yardstick: the least a Fastify server has to do for an inquiry that is worth its name. It
 * parses and checks the body, finds a row by a keyed digest in SQLite, opens the sealed details in it, and
 * answers when a record of it is on the disk, many records in one write. It authenticates nobody, opens
 * no token, counts no card, chains no record and cannot be used for anything.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { closeSync, fdatasync, openSync, readFileSync, unlinkSync, write } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import fastify from 'fastify';

/** The port comes last. */
const [bodies = '', folder = '', port] = process.argv.slice(2);
const key = createSecretKey(randomBytes(32));
const attributes = Buffer.alloc(80);
const digestOf = (number: string) => createHmac('sha256', key).update(number).digest();

function seal(text: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(attributes);
  return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function open(sealed: Uint8Array): string {
  const iv = sealed.subarray(0, 12);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
    .setAAD(attributes)
    .setAuthTag(sealed.subarray(-16));
  const text = decipher.update(sealed.subarray(12, -16));
  decipher.final();
  return text.toString();
}

const database = new DatabaseSync(`${folder}/least.db`);
database.exec(`create table card (digest blob primary key, token text, number blob, details blob)
  without rowid; begin`);
const add = database.prepare('insert into card values (?, ?, ?, ?)');
for (const line of readFileSync(bodies, 'utf8').trim().split('\n')) {
  const { cardNumber } = JSON.parse(line) as { cardNumber: string };
  const details = seal(JSON.stringify({ accountNumber: '4711' }));
  add.run(digestOf(cardNumber), `T${cardNumber.slice(1)}`, seal(cardNumber), details);
}
database.exec('commit');
const find = database.prepare('select token, number, details from card where digest = ?');
find.setReturnArrays(true);

interface Waiting {
  readonly line: string;
  resolve(): void;
}

const GATHER_MS = 2;
const log = openSync(`${folder}/least.log`, 'wx', 0o600);
let waiting: Waiting[] = [];
let isWriting = false;
let isGathering = false;

function commit(line: string): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ line, resolve });
    if (!isWriting) gather();
  });
}

function gather(): void {
  if (isGathering || waiting.length === 0) return;
  isGathering = true;
  setTimeout(flush, GATHER_MS);
}

function flush(): void {
  isGathering = false;
  isWriting = true;
  const batch = waiting;
  waiting = [];
  const text = Buffer.from(batch.map(({ line }) => `${hash('sha256', line)} ${line}\n`).join(''));
  write(log, text, (failed) => {
    if (failed) throw failed;
    fdatasync(log, (error) => {
      if (error) throw error;
      isWriting = false;
      for (const { resolve } of batch) resolve();
      gather();
    });
  });
}

interface Inquiry {
  readonly organizationNumber: number;
  readonly cardNumber: string;
}

const Body = {
  type: 'object',
  additionalProperties: false,
  required: ['organizationNumber', 'cardNumber'],
  properties: {
    organizationNumber: { type: 'integer', minimum: 0, maximum: 998 },
    cardNumber: { type: 'string', maxLength: 32 },
    cardSequence: { type: 'integer' },
    functionType: { enum: ['C', 'P'] },
  },
};

const app = fastify({ genReqId: () => randomUUID() });
app.post<{ Body: Inquiry }>('/least', { schema: { body: Body } }, async (request, reply) => {
  const { organizationNumber, cardNumber } = request.body;
  const [row] = find.all(digestOf(cardNumber)) as unknown as [string, Uint8Array, Uint8Array][];
  if (row === undefined) throw new Error('there is no such row');
  const { accountNumber } = JSON.parse(open(row[2])) as { accountNumber: string };
  const record = { atMs: Date.now(), organizationNumber, requestId: request.id, token: row[0] };
  await commit(JSON.stringify(record));
  reply.header('cache-control', 'no-store').header('x-request-id', request.id);
  return { organizationNumber, cardNumber: row[0], accountNumber: accountNumber.padStart(19, '0') };
});
process.once('SIGTERM', async () => {
  await app.close();
  closeSync(log);
  database.close();
  for (const name of ['least.db', 'least.log']) unlinkSync(`${folder}/${name}`);
});
await app.listen({ host: '127.0.0.1', port: Number(port) });
