// The program under test: what it prints, what it tells of, how it ends.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Returns where the program to test is: named on the command line, in the environment, or built here. */
export function programPath() {
  const built = fileURLToPath(new URL('../../target/debug/p2pcall', import.meta.url));
  return process.argv[2] ?? process.env.P2PCALL ?? built;
}

/** Returns the same, or ends the tests if it is not there. */
export function programThere() {
  const path = programPath();
  if (existsSync(path)) return path;
  console.error(`There is no ${path}. Build it first: cargo build`);
  return process.exit(2);
}

export class Program {
  events = [];
  words = [];
  printed = [];

  constructor(path, args) {
    this.child = spawn(path, [...args, '--events', '-'], { stdio: 'pipe' });
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((done) => this.child.on('close', (code, signal) => done(code ?? signal)));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.events.push(JSON.parse(line));
      else this.words.push(line);
    });
    this.blob = new Promise((done, failed) => {
      const output = createInterface({ input: this.child.stdout });
      output.once('line', done);
      output.on('line', (line) => this.printed.push(line));
      this.child.on('error', failed);
      this.ended.then((code) => failed(new Error(`p2pcall ended with ${code}: ${this.words.join(' ')}`)));
    });
    this.blob.catch(() => {});
  }

  /** Returns what it printed on standard output when there is a line that matches. */
  async printedUpTo(pattern) {
    await this.blob;
    for (const deadline = Date.now() + 10_000; !this.printed.some((line) => pattern.test(line)); ) {
      if (Date.now() > deadline) throw new Error(`p2pcall printed no ${pattern}: ${this.printed.join(' ')}`);
      await new Promise((done) => setTimeout(done, 20));
    }
    return this.printed.join('\n') + '\n';
  }

  /** Returns its offer or answer. */
  async description() {
    return JSON.parse(Buffer.from(await this.blob, 'base64'));
  }

  /** Hands it the other side's description, as a person would paste it. */
  paste(description) {
    this.say(Buffer.from(JSON.stringify(description)).toString('base64'));
  }

  say(line) {
    this.child.stdin.write(line + '\n');
  }

  /** Returns the newest figures. */
  stats() {
    return this.events.findLast(({ event }) => event === 'stats');
  }

  count(name) {
    return this.events.filter(({ event }) => event === name).length;
  }
}
