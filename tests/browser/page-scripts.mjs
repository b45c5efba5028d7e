// What the tests of web/index.html share: its scripts that need no page, run by themselves; a server; running cases.

import assert from 'node:assert/strict';
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

export const pageUrl = new URL('../../web/index.html', import.meta.url);

/** Returns a function that evaluates expressions where these scripts of the page have run. */
export function pageScripts(...ids) {
  const page = readFileSync(pageUrl, 'utf8');
  const sources = ids.map((id) => page.match(new RegExp(`<script id="${id}">\n([^]*?)</script>`))[1]);
  return new Function(`${sources.join('\n')}\nreturn (expression) => eval(expression);`)();
}

/** Asks again and again until the answer is true. */
export async function until(what, seconds, condition) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    assert(Date.now() < deadline, `not within ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
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
