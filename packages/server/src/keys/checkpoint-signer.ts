import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { originOf, signedNote, textOf } from '../audit/checkpoint.ts';
import type { CheckpointSigner } from '../usecase/audit-ports.ts';

/** @param privateKey Ed25519 */
export function makeCheckpointSigner(privateKey: KeyObject): CheckpointSigner {
  const publicKey = createPublicKey(privateKey);
  return {
    publicKey,
    sign({ number, chain, size, root }) {
      const checkpoint = { origin: originOf(publicKey, number, chain), size, root };
      const signature = sign(null, Buffer.from(textOf(checkpoint), 'utf8'), privateKey);
      return signedNote(checkpoint, publicKey, signature);
    },
  };
}
