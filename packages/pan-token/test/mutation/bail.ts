/** A reporter of node:test that says which test failed first, and stops there. */

import type { TestEvent } from 'node:test/reporters';

// biome-ignore lint/style/noDefaultExport: what node:test asks of a reporter.
export default async function* bail(events: AsyncIterable<TestEvent>) {
  for await (const event of events) {
    if (event.type !== 'test:fail') continue;
    process.stdout.write(`${event.data.name}\n`);
    process.exit(1);
  }
  yield '';
}
