import { createPublicKey, sign } from 'node:crypto';
import { originOf, signedNote, textOf } from '../audit/checkpoint.ts';
import type { CheckpointSigner } from '../usecase/audit-ports.ts';
import type { KeySeries } from './service-keys.ts';

/** @param keys Ed25519, private. Those that sign no more say whose the older checkpoints are. */
export function makeCheckpointSigner(keys: KeySeries): CheckpointSigner {
  return {
    publicKeys: () => keys.living().map((key) => createPublicKey(key)),
    sign({ number, chain, size, root }) {
      const key = keys.active();
      const publicKey = createPublicKey(key);
      const checkpoint = { origin: originOf(publicKey, number, chain), size, root };
      const signature = sign(null, Buffer.from(textOf(checkpoint), 'utf8'), key);
      return signedNote(checkpoint, publicKey, signature);
    },
  };
}
