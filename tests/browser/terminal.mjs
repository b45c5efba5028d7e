// The program under test at a terminal, where it has keys; its texts go through files.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { until } from './until.mjs';

export class AtTerminal {
  /** Whether there is a terminal to be had: script, from Debian's bsdutils. */
  static isThere = spawnSync('script', ['--version']).error === undefined;

  #output = '';

  /** Starts it; its files lie in a directory that is its own. */
  constructor(path, args, directory) {
    this.files = Object.fromEntries(['own', 'other', 'events'].map((name) => [name, join(directory, `${name}.txt`)]));
    const { own, other, events } = this.files;
    const words = [path, ...args, '--out', own, '--in', other, '--events', events];
    const command = words.map((word) => `'${word}'`).join(' ');
    this.child = spawn('script', ['-qfec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdin.on('error', () => {});
    this.child.stdout.on('data', (data) => (this.#output += data));
    this.ended = new Promise((done) => this.child.on('close', (code, signal) => done(code ?? signal)));
  }

  get events() {
    const text = existsSync(this.files.events) ? readFileSync(this.files.events, 'utf8') : '';
    return text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  }

  /** What a person reads, without the line that changes all the time. */
  get words() {
    const plain = this.#output.replaceAll(/\x1b\[[\d;?]*[a-zA-Z]/g, '');
    return plain.split(/[\r\n]+/).filter((line) => line.trim() !== '' && !line.includes(' · '));
  }

  /** Returns its offer or answer as it stands in the file. */
  get blob() {
    const { own } = this.files;
    return until('p2pcall writes its text', 30, () => existsSync(own) && readFileSync(own, 'utf8').trim());
  }

  async description() {
    return JSON.parse(Buffer.from(await this.blob, 'base64'));
  }

  /** Hands it the other side's text. */
  take(text) {
    writeFileSync(`${this.files.other}.new`, text);
    renameSync(`${this.files.other}.new`, this.files.other);
  }

  paste(description) {
    this.take(Buffer.from(JSON.stringify(description)).toString('base64'));
  }

  press(key) {
    this.child.stdin.write(key);
  }

  /** Returns the newest figures. */
  stats() {
    return this.events.findLast(({ event }) => event === 'stats');
  }
}
