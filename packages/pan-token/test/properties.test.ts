import { describe, it } from 'node:test';
import fc from 'fast-check';
import { properties } from './properties.ts';

describe('for all inputs', () => {
  for (const { title, runs, property } of properties) {
    it(title, () => {
      fc.assert(property, { numRuns: runs });
    });
  }
});
