import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { freshPan } from '../harness/numbers.ts';
import { makeTestSandbox } from '../harness/server.ts';

const sandbox = await makeTestSandbox();

describe('stopping', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`by ${signal} answers what is under way, keeps it, and ends with 0`, async () => {
      const program = await sandbox.start();
      const issuer = sandbox.caller('issuer');
      await issuer.headers();
      const made = new Map<string, string>();
      let count = 0;
      const clients = Array.from({ length: 16 }, async () => {
        try {
          for (;;) {
            const pan = freshPan();
            const reply = await issuer.create({ cardNumber: pan });
            assert.equal(reply.status, 200, reply.text);
            made.set(pan, reply.data.cardNumber);
            if (++count === 60) program.signal(signal);
          }
        } catch (error) {
          // Nobody listens any more; an answer that is no card fails the test.
          if (error instanceof assert.AssertionError) throw error;
        }
      });
      await Promise.all(clients);
      const { code, stdout, stderr } = await program.ended;
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /Stopped\.\n$/);

      const again = await sandbox.start();
      const client = sandbox.caller('issuer');
      for (const [pan, token] of made) {
        assert.equal((await client.tokenOf(100, pan)).data.panToken, token);
      }
      again.signal('SIGINT');
      await again.ended;
    });
  }

  it('does not wait for connections that say nothing, or half of something', async () => {
    const program = await sandbox.start();
    const silent = connect(sandbox.port, '127.0.0.1');
    const half = connect(sandbox.port, '127.0.0.1');
    await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
    for (const socket of [silent, half]) socket.on('error', () => undefined);
    half.write('POST /token HTTP/1.1\r\nhost: x\r\ncontent-le');
    program.signal('SIGINT');
    assert.equal((await program.ended).code, 0);
    silent.destroy();
    half.destroy();
  });
});
