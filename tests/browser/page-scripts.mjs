// The parts of web/index.html that need no page, run by themselves.

import { readFileSync } from 'node:fs';

export const pageUrl = new URL('../../web/index.html', import.meta.url);

/** Returns a function that evaluates expressions where these scripts of the page have run. */
export function pageScripts(...ids) {
  const page = readFileSync(pageUrl, 'utf8');
  const sources = ids.map((id) => page.match(new RegExp(`<script id="${id}">\n([^]*?)</script>`))[1]);
  return new Function(`${sources.join('\n')}\nreturn (expression) => eval(expression);`)();
}

/** Runs cases, prints how they went, and returns how many passed and failed. */
export async function runCases(cases) {
  let [passed, failed] = [0, 0];
  for (const [name, run] of Object.entries(cases)) {
    try {
      const skipped = await run();
      console.log(skipped ? `skipped: ${name}: ${skipped}` : `ok: ${name}`);
      if (!skipped) passed++;
    } catch (error) {
      console.log(`FAILED: ${name}\n    ${error.message}`);
      failed++;
    }
  }
  return [passed, failed];
}
