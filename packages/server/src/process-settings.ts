import { setFlagsFromString } from 'node:v8';

/** What holds for a process of ours as long as it runs; it comes before anything else. */
export function settleProcess(): void {
  process.umask(0o077); // Whatever we write is for our own user only.
  // V8 would guess what lives long, and keep to a wrong guess: docs/adr/runtime-young-objects.md.
  setFlagsFromString('--no-allocation-site-pretenuring');
}
