// QR codes: what web/index.html draws and reads, alone and together with zbarimg and qrencode where they are installed.
// The last line says how many cases passed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { finish, pageScripts, runCases } from './page-scripts.mjs';

const page = pageScripts('blobs', 'qr-codes');
const [qrCode, readQrCode, allCodewords, QrGrid] = ['qrCode', 'readQrCode', 'allCodewords', 'QrGrid'].map(page);
const directory = mkdtempSync(join(tmpdir(), 'p2pcall-qr-'));

const LETTERS = 'p2pcall1ABCxyz0189QRST';
/** Returns a text as blobs are: letters and digits. */
const textOf = (length) => Array.from({ length }, (_, at) => LETTERS[(at * at + 3 * at + length) % LETTERS.length]).join('');

/** Numbers from 0 to 1 that are the same each time. */
function random(seed) {
  let state = seed;
  return () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
}

/** Returns a picture of a code, seen as `place` says: it takes a place of the picture to one of the code, in modules. */
function picture(code, width, height, place, { noise = 0, seed = 1, light = () => 1, dark = 20, bright = 235 } = {}) {
  const luma = new Uint8Array(width * height);
  const chance = random(seed);
  const at = (x, y) => {
    const [u, v] = place(x, y);
    const isOutside = u < -4 || v < -4 || u >= code.size + 4 || v >= code.size + 4;
    if (isOutside) return 110;
    return u >= 0 && v >= 0 && u < code.size && v < code.size && code.isDark(Math.floor(u), Math.floor(v)) ? dark : bright;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // Four samples a pixel: a camera sees areas.
      const sum = at(x + 0.25, y + 0.25) + at(x + 0.75, y + 0.25) + at(x + 0.25, y + 0.75) + at(x + 0.75, y + 0.75);
      luma[y * width + x] = Math.max(0, Math.min(255, (sum / 4) * light(x / width, y / height) + noise * (chance() + chance() - 1)));
    }
  }
  return { luma, width, height };
}

/** Turned, tilted away and bent as by a lens, the code fills this share of the picture's height. */
function seen({ size }, width, height, { share = 0.8, turn = 0, tilt = 0, slant = 0, bend = 0 }) {
  const scale = (share * height) / (size + 8);
  const [sine, cosine] = [Math.sin((turn * Math.PI) / 180), Math.cos((turn * Math.PI) / 180)];
  return (x, y) => {
    let [u, v] = [(x - width / 2) / height, (y - height / 2) / height];
    const radius = 1 + bend * (u * u + v * v);
    [u, v] = [u * radius, v * radius];
    const depth = 1 + tilt * v + slant * u;
    [u, v] = [(u / depth) * height, (v / depth) * height];
    return [(u * cosine + v * sine) / scale + size / 2, (v * cosine - u * sine) / scale + size / 2];
  };
}

const upright = (code, scale) => picture(code, (code.size + 8) * scale, (code.size + 8) * scale, (x, y) => [x / scale - 4, y / scale - 4]);

function pgm({ luma, width, height }) {
  const path = join(directory, 'code.pgm');
  writeFileSync(path, Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), luma]));
  return path;
}

const isInstalled = (program) => spawnSync(program, ['--version']).error === undefined;

const CASES = {
  'the tables fit the modules there are': () => {
    for (let version = 1; version <= 40; version++) {
      assert.equal(new QrGrid(version).dataPlaces().length >> 3, allCodewords(version), `version ${version}`);
    }
  },

  'the smallest version and the strongest correction are chosen': () => {
    assert.deepEqual([1, 17, 18, 110, 111, 842, 2953].map((length) => qrCode(textOf(length)).version), [1, 1, 2, 6, 6, 20, 40]);
    assert.equal(qrCode(textOf(2954)), null);
  },

  'what is drawn is read': () => {
    for (const length of [1, 20, 110, 300, 1000, 2953]) {
      const text = textOf(length);
      assert.equal(readQrCode(upright(qrCode(text), 3)), text, `${length} characters`);
    }
    assert.equal(readQrCode(upright(qrCode('Käse → 💥'), 4)), 'Käse → 💥');
  },

  'turned any way': () => {
    for (const length of [30, 111, 480]) {
      const code = qrCode(textOf(length));
      for (let turn = 0; turn < 360; turn += 41) {
        const way = seen(code, 640, 480, { share: 0.66, turn });
        assert.equal(readQrCode(picture(code, 640, 480, way)), textOf(length), `${length} characters, ${turn} degrees`);
      }
    }
  },

  'in perspective, bent, in noise and in uneven light': () => {
    const ways = [
      { turn: 8, tilt: 0.25 }, { turn: -15, slant: 0.3 }, { turn: 100, tilt: -0.2, slant: 0.2 }, { bend: 0.12, turn: 4 },
      { bend: -0.1, turn: 12, tilt: 0.12 },
    ];
    const lights = [{}, { noise: 50 }, { light: (x, y) => 0.35 + 0.65 * x * (1 - 0.4 * y), noise: 14 }, { dark: 90, bright: 170, noise: 12 }];
    let [read, all] = [0, 0];
    const missed = [];
    for (const length of [40, 111, 480]) {
      const code = qrCode(textOf(length));
      for (const way of ways) {
        for (const [index, light] of lights.entries()) {
          all++;
          const image = picture(code, 800, 600, seen(code, 800, 600, { share: 0.7, ...way }), { ...light, seed: all });
          const text = readQrCode(image);
          if (text === textOf(length)) read++;
          else missed.push(`${length} ${JSON.stringify(way)} light ${index}: ${text === null ? 'nothing' : 'wrong'}`);
        }
      }
    }
    console.log(`    ${read} of ${all} pictures`);
    // A camera takes the next picture at once; what must never be is a wrong text.
    assert(missed.every((what) => what.endsWith('nothing')), missed.join('\n'));
    assert(read >= 0.9 * all, missed.join('\n    '));
  },

  'soiled, as far as its correction reaches': () => {
    const text = textOf(60);
    const code = qrCode(text);
    const image = upright(code, 5);
    for (let y = 80; y < 100; y++) image.luma.fill(20, y * image.width + 90, y * image.width + 110);
    assert.equal(readQrCode(image), text);
  },

  'where there is none, none is found': () => {
    const chance = random(7);
    const noise = Uint8Array.from({ length: 320 * 240 }, () => 255 * chance());
    for (const luma of [noise, new Uint8Array(320 * 240), new Uint8Array(320 * 240).fill(200)]) {
      assert.equal(readQrCode({ luma, width: 320, height: 240 }), null);
    }
  },

  'zbarimg reads what is drawn': () => {
    if (!isInstalled('zbarimg')) return 'there is no zbarimg (Debian: zbar-tools)';
    for (let length = 1; length <= 2953; length = Math.ceil(length * 1.8)) {
      const text = textOf(length);
      const { stdout } = spawnSync('zbarimg', ['--raw', '-q', '-Sdisable', '-Sqrcode.enable', pgm(upright(qrCode(text), 4))], { encoding: 'utf8' });
      assert.equal(stdout.trimEnd(), text, `${length} characters, version ${qrCode(text).version}`);
    }
    return undefined;
  },

  'what qrencode draws is read': () => {
    if (!isInstalled('qrencode')) return 'there is no qrencode (Debian: qrencode)';
    // Its output of this kind has two characters a module, `##` for dark.
    for (const [text, level] of [['0123456789012', 'H'], ['HTTPS://CALL.EXAMPLE/A+B', 'Q'], [textOf(111), 'L'], [textOf(300), 'M'],
      [textOf(90) + '0123456789'.repeat(9) + textOf(40), 'Q'], [textOf(900), 'L'], [textOf(1200), 'H']]) {
      const { stdout } = spawnSync('qrencode', ['-t', 'ASCII', '-m', '0', '-l', level, text], { encoding: 'utf8' });
      const rows = stdout.trimEnd().split('\n');
      const code = { size: rows.length, isDark: (x, y) => rows[y][2 * x] === '#' };
      assert.equal(readQrCode(upright(code, 4)), text, `${text.length} characters, ${level}`);
    }
    return undefined;
  },
};

const counts = await runCases(CASES);
rmSync(directory, { recursive: true });
finish([counts]);
