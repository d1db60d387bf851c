import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { KeptAnswerStore } from '../usecase/answer-once.ts';
import type { Reader } from './statements.ts';

/** Answers in table kept_answer. */
export function makeKeptAnswerStore(reader: Reader): KeptAnswerStore {
  return {
    async findAnswer(organization, callerId, keyDigest, sinceMs) {
      const values = [organization, callerId, keyDigest, sinceMs];
      const [row] = await reader.read('findAnswer', values);
      if (row === undefined) return undefined;
      return {
        organization: row.organization as OrganizationNumber,
        callerId: row.caller as string,
        keyDigest: row.keyDigest as string,
        bodyDigest: row.bodyDigest as string,
        sealedAnswer: {
          dataKeyEpoch: row.dataKeyEpoch as number,
          bytes: row.sealedAnswer as Uint8Array,
        },
        createdAtMs: Number(row.createdAtMs),
      };
    },
  };
}
