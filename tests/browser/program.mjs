// The program under test: what it prints, what it tells of, how it ends.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Program {
  events = [];
  words = [];

  constructor(path, args) {
    this.child = spawn(path, [...args, '--events', '-'], { stdio: 'pipe' });
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((done) => this.child.on('close', (code, signal) => done(code ?? signal)));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.events.push(JSON.parse(line));
      else this.words.push(line);
    });
    this.blob = new Promise((done, failed) => {
      createInterface({ input: this.child.stdout }).once('line', done);
      this.child.on('error', failed);
      this.ended.then((code) => failed(new Error(`p2pcall ended with ${code}: ${this.words.join(' ')}`)));
    });
    this.blob.catch(() => {});
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
