// What the tests of web/index.html share: its scripts that need no page, run by themselves; a server; running cases.

import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

export const pageUrl = new URL('../../web/index.html', import.meta.url);

/** Returns a function that evaluates expressions where these scripts of the page have run. */
export function pageScripts(...ids) {
  const page = readFileSync(pageUrl, 'utf8');
  const sources = ids.map((id) => page.match(new RegExp(`<script id="${id}">\n([^]*?)</script>`))[1]);
  return new Function(`${sources.join('\n')}\nreturn (expression) => eval(expression);`)();
}

/** Serves the page, as any web server would. */
export function served() {
  const server = createServer((request, response) => {
    requests.push(request.url);
    if (request.url !== '/') return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/html' });
    return createReadStream(pageUrl).pipe(response);
  });
  const requests = [];
  return new Promise((done) => server.listen(0, '127.0.0.1', () =>
    done({ url: `http://127.0.0.1:${server.address().port}/`, requests, close: () => server.close() })));
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

/** Says how many cases passed and failed in all, which is the last line, and ends. */
export function finish(counts) {
  const [passed, failed] = [0, 1].map((which) => counts.reduce((sum, count) => sum + count[which], 0));
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
