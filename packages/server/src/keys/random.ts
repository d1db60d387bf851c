import { randomBytes, randomInt } from 'node:crypto';
import { v7 } from 'uuid';
import type { RecordId } from '../domain/record-id.ts';
import type { Random } from '../usecase/ports.ts';

/** The CSPRNG of the platform. */
export const random: Random = {
  bytes: (count) => randomBytes(count),
  integerBelow: (limit) => randomInt(limit),
  recordId: () => Buffer.from(v7(undefined, new Uint8Array(16))).toString('hex') as RecordId,
};
