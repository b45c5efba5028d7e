// How a peer in Node talks with the driver (peer.mjs): one JSON object a line.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Loads a package from where tests/peers/run has laid them, not beside these files. */
export const load = createRequire(join(process.env.PEER_PACKAGES, 'node/'));

/** Returns the version of a package that these files ask for. */
export function version(name) {
  return load('./package.json').dependencies[name];
}

/** Tells the driver of something that happened. */
export function tell(event, values = {}) {
  process.stdout.write(JSON.stringify({ event, ...values }) + '\n');
}

/** Does what the driver asks for, one thing after the other, until it has no more to ask. */
export async function serve(ready, begin) {
  tell('ready', ready);
  let peer;
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: what, ...values } = JSON.parse(line);
    if (what === 'begin') peer = await begin(values);
    else await peer[what](values);
  }
  process.exit(0);
}
