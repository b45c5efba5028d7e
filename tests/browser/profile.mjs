// Directories that browsers keep their things in, for one run.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const newProfile = (browser) => mkdtempSync(join(tmpdir(), `p2pcall-${browser}-`));

/** Removes one whose browser was killed: its processes may write to it for a moment more. */
export async function removeProfile(profile) {
  for (let left = 50; ; left--) {
    try {
      return rmSync(profile, { recursive: true, force: true });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}
