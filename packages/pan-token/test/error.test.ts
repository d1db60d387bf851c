import { equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PanTokenError } from '../src/index.ts';

describe('the message of a refusal', () => {
  it('is the title of its code', () => {
    const { name, code, message } = new PanTokenError('TOKEN_NOT_OURS');
    equal(name, 'PanTokenError');
    equal(code, 'TOKEN_NOT_OURS');
    equal(message, 'This has the shape of a token, but no PAN is behind it.');
  });

  it('ends in the detail, where there is one', () => {
    const { message } = new PanTokenError('EPOCH_MARK_SHARED', 'Epochs 2, 11, numeric.');
    equal(message, 'Two living epochs have one mark. Epochs 2, 11, numeric.');
  });
});
