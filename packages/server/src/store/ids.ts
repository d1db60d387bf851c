import type { RecordId } from '../domain/record-id.ts';

/** The organization number of keys that belong to the service itself. */
export const SERVICE_ORGANIZATION = -1;

export function idBytes(id: RecordId): Uint8Array {
  return Buffer.from(id, 'hex');
}
