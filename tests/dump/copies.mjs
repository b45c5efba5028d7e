// Where the copies of the readers' repositories are.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Returns the place of a copy, which need not exist. */
export function place(name) {
  return resolve(process.env.IMPORTERS ?? 'importers', name);
}

/** Returns why a reader cannot be run, or null. */
export function isMissing(name) {
  return existsSync(join(place(name), 'README.md')) ? null : `there is no ${place(name)}`;
}
