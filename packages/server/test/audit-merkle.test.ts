import { deepEqual, equal, notDeepEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalJson, parseCanonical } from '../src/audit/canonical.ts';
import {
  EMPTY_TREE,
  grow,
  inclusionProof,
  leafHash,
  rootOf,
  rootOfInputs,
  rootOfLeaves,
  rootOfProof,
} from '../src/audit/merkle.ts';

/** The test tree of the certificate-transparency project: its leaves, and the root after each. */
const KNOWN: readonly (readonly [string, string])[] = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  [
    '606162636465666768696a6b6c6d6e6f',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ],
];

describe('the Merkle tree of the audit log', () => {
  it('has the roots of the certificate-transparency test tree', () => {
    let tree = EMPTY_TREE;
    const inputs: Buffer[] = [];
    for (const [leaf, root] of KNOWN) {
      inputs.push(Buffer.from(leaf, 'hex'));
      tree = grow(tree, leafHash(Buffer.from(leaf, 'hex')));
      equal(rootOf(tree).toString('hex'), root);
      equal(rootOfInputs(inputs).toString('hex'), root);
    }
  });

  it('proves every leaf, and none with another leaf, place or proof', () => {
    const leaves = fc.array(fc.uint8Array({ maxLength: 4 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(leaves, fc.nat(), (contents, seed) => {
        const hashes = contents.map((each) => leafHash(each));
        const index = seed % hashes.length;
        const [leaf, proof] = [hashes[index] as Buffer, inclusionProof(hashes, index)];
        const root = rootOfLeaves(hashes);
        deepEqual(rootOfProof(leaf, index, hashes.length, proof), root);
        const other = leafHash(Buffer.from('another leaf'));
        notDeepEqual(rootOfProof(other, index, hashes.length, proof), root);
        notDeepEqual(rootOfProof(leaf, index, hashes.length, [...proof, other]), root);
        equal(rootOfProof(leaf, hashes.length, hashes.length, proof), undefined);
      }),
    );
  });
});

describe('the canonical form of audit lines', () => {
  it('is one text for one value, whatever the order of its keys, and any other text is refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.integer()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        const text = canonicalJson(value);
        equal(canonicalJson(reversed), text);
        equal(text.includes('\n'), false);
        notDeepEqual(parseCanonical(text), undefined);
        equal(parseCanonical(` ${text}`), undefined);
      }),
    );
    equal(parseCanonical('{"b":1,"a":2}'), undefined);
  });

  it('is what the library makes of it, whichever way it was made', () => {
    const names = fc.constantFrom('action', 'atMs', 'code', 'who', '9', '10', 'é', '"', 'toJSON');
    const value = fc.oneof(
      ...[fc.string({ unit: 'binary' }), fc.string(), fc.integer(), fc.double(), fc.boolean()],
      fc.constantFrom(undefined, null, -0, 2 ** 53, [1], { b: 1, a: [] }),
    );
    const made = (make: () => unknown) => {
      try {
        return make();
      } catch {
        return 'refused';
      }
    };
    fc.assert(
      fc.property(fc.array(fc.tuple(names, value)), fc.boolean(), (pairs, isSorted) => {
        const inOrder = isSorted ? pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)) : pairs;
        const record = Object.fromEntries(inOrder);
        equal(
          made(() => canonicalJson(record)),
          made(() => canonicalize(record)),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('is that of the example of RFC 8785, 3.2.3', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '1': 'One',
      '\u0080': 'Control',
    };
    equal(
      canonicalJson(value),
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u20ac":"Euro Sign"}',
    );
  });
});
