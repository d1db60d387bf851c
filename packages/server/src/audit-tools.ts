/**
 * What `pantoken audit` does, put together.
 *
 * @module
 */
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { type Checkpoint, openNote, parsePublicKeys, verifierKey } from './audit/checkpoint.ts';
import { LINE_BYTES_MAX, makeExportVerifier } from './audit/export-verifier.ts';
import { describeLoss } from './audit/loss.ts';
import type { Verification } from './audit/verifier.ts';
import type { AuditTools, RangeOptions } from './cli/audit.ts';
import { random } from './keys/random.ts';
import type { Service } from './service.ts';
import { readCheckpointNotes } from './store/checkpoint-file.ts';
import type { AuditRange } from './usecase/audit-range.ts';
import { exportAudit } from './usecase/export-audit.ts';
import { searchAudit } from './usecase/search-audit.ts';
import { verifyAudit } from './usecase/verify-audit.ts';
import { connectSyslog } from './watch/syslog.ts';

type Audit = Service['audit'];

const rangeOf = ({ from, to }: RangeOptions): AuditRange => ({ fromMs: from, throughMs: to });

/** @param open a service that is not listening. */
export function auditTools(open: (home: string) => Promise<Service>): AuditTools {
  const using = async <T>(home: string, work: (audit: Audit) => Promise<T>): Promise<T> => {
    const service = await open(home);
    try {
      return await work(service.audit);
    } finally {
      await service.close();
    }
  };
  async function* reading<T>(home: string, work: (audit: Audit) => AsyncGenerator<T>) {
    const service = await open(home);
    try {
      yield* work(service.audit);
    } finally {
      await service.close();
    }
  }

  return {
    verify: (home, range, checkpoints) =>
      using(home, ({ archive, readNotes, publicKeys }) => {
        const notes = checkpoints === undefined ? readNotes() : allNotes(checkpoints);
        return verifyAudit(archive, { range: rangeOf(range), notes, publicKeys: publicKeys() });
      }),
    verifyExport,
    export: (home, range) =>
      reading(home, ({ archive, readNotes }) =>
        exportAudit(archive, rangeOf(range), newestNotes(readNotes()), Date.now()),
      ),
    exportToSyslog: (home, range, url, ca) =>
      using(home, (audit) => sendAll(audit, rangeOf(range), url, ca)),
    search: (home, range, query) =>
      reading(home, ({ archive }) => searchAudit(archive, rangeOf(range), query)),
    publicKey: (home) =>
      using(home, async ({ publicKeys }) => ({
        pem: publicKeys()
          .map((key) => String(key.export({ type: 'spki', format: 'pem' })))
          .join(''),
        verifierKey: publicKeys()
          .map((key) => verifierKey('pantoken', key))
          .join('\n'),
      })),
    acceptRestore: (home, operator) =>
      using(home, async ({ acceptRestore }) =>
        (await acceptRestore(operator, random.recordId())).map(describeLoss),
      ),
    async write(text) {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    },
  };
}

function allNotes(path: string): readonly string[] {
  return readCheckpointNotes(path, Number.POSITIVE_INFINITY);
}

/** Of each chain the last note: the others say nothing that it does not. */
function newestNotes(notes: readonly string[]): readonly string[] {
  return [...new Map(notes.map((note) => [note.slice(0, note.indexOf('\n')), note])).values()];
}

/** @throws {Error} when a checkpoint of the second place is not signed by that key. */
async function verifyExport(
  file: string,
  key: string,
  checkpoints?: string,
): Promise<Verification> {
  const publicKeys = parsePublicKeys(readFileSync(key, 'utf8'));
  const known: Checkpoint[] = (checkpoints === undefined ? [] : allNotes(checkpoints)).map(
    (note) => {
      const checkpoint = openNote(note, publicKeys);
      if (checkpoint === undefined) throw new Error('a checkpoint is not signed by that key');
      return checkpoint;
    },
  );
  const verifier = makeExportVerifier(publicKeys, known);
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file)) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      verifier.line(bytes.subarray(start, end));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > LINE_BYTES_MAX) throw new Error('this is no export: a line is too long');
  }
  if (rest.length > 0) verifier.line(rest);
  return verifier.end(rest.length === 0);
}

async function sendAll(
  { archive }: Audit,
  range: AuditRange,
  url: string,
  ca?: string,
): Promise<number> {
  const sender = await connectSyslog(url, ca === undefined ? undefined : readFileSync(ca, 'utf8'));
  let count = 0;
  for await (const found of searchAudit(archive, range, {})) {
    const { atMs, action, outcome } = found.record;
    const severity = outcome === 'refused' ? 'notice' : 'info';
    await sender.send({ atMs, severity, messageId: action, text: JSON.stringify(found) });
    count++;
  }
  await sender.close();
  return count;
}
