// Firefox without a screen, spoken to over a WebSocket in WebDriver BiDi (https://w3c.github.io/webdriver-bidi).

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { DESK, Page } from './page.mjs';
import { newProfile, removeProfile } from './profile.mjs';

/** Settings, as in about:config. */
const PREFERENCES = {
  // A camera and a microphone that are none; pages are not asked about.
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  // A sound card that is none: without any Firefox makes no sound at all, not even for others.
  'media.cubeb.force_mock_context': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // Nothing is fetched: no updates, no plug-ins, no lists.
  'app.update.disabledForTesting': true,
  'app.normandy.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-manager.url': 'data:text/xml,<updates/>',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.forceResolve': '127.0.0.1',
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
  // Fingers are there, and pages that nobody looks at work as others do.
  'dom.w3c_touch_events.enabled': 1,
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
  'widget.windows.window_occlusion_tracking.enabled': false,
};

export class Firefox {
  static title = 'Firefox';
  /** $FIREFOX, by default firefox-esr. */
  static program = process.env.FIREFOX ?? 'firefox-esr';
  #calls = new Map();
  #next = 1;
  /** Why nothing can be asked any more. */
  #over = null;

  /** Whether a picture comes from its camera that is none: of one colour that changes, as strong as can be. */
  static isFake({ u, v }) {
    return [u, v].some((value) => value < 30 || value > 226);
  }

  /** Starts it with more preferences. Only if that is wished does it hide addresses behind multicast names. */
  static async start({ preferences = {}, hidesAddresses = false } = {}) {
    const firefox = new Firefox();
    firefox.profile = newProfile('firefox');
    const lines = Object.entries({ ...PREFERENCES, 'media.peerconnection.ice.obfuscate_host_addresses': hidesAddresses, ...preferences })
      .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
    writeFileSync(join(firefox.profile, 'user.js'), lines.join(''));
    const flags = ['--headless', '--no-remote', '--profile', firefox.profile, '--remote-debugging-port', '0', 'about:blank'];
    firefox.child = spawn(Firefox.program, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    firefox.ended = new Promise((done) => firefox.child.on('exit', done));
    const errors = createInterface({ input: firefox.child.stderr });
    const address = await new Promise((found, failed) => {
      errors.on('line', (line) => {
        const [, url] = line.match(/^WebDriver BiDi listening on (ws:.*)$/) ?? [];
        if (url) found(url);
      });
      firefox.child.on('error', failed);
      firefox.ended.then((code) => failed(new Error(`Firefox ended by itself with ${code}`)));
    });
    await firefox.#connect(`${address}/session`);
    await firefox.call('session.new', { capabilities: {} });
    return firefox;
  }

  async #connect(address) {
    this.socket = new WebSocket(address);
    this.socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    this.socket.onclose = () => this.#fail(new Error('Firefox ended by itself'));
    await new Promise((done, failed) => {
      this.socket.onopen = done;
      this.socket.onerror = () => failed(new Error(`Firefox does not answer at ${address}`));
    });
  }

  /**
   * Opens an empty page that shares nothing with others: of this size, and with a script that is run before those of each
   * document it goes to. It may use all devices.
   */
  async page({ screen = DESK, first } = {}) {
    const { userContext } = await this.call('browser.createUserContext');
    // A window of its own: pages behind others get no time.
    const { context } = await this.call('browsingContext.create', { type: 'window', userContext });
    const page = new FirefoxPage(this, { context, userContext, screen });
    const { width, height, pixelRatio } = screen;
    await this.call('browsingContext.setViewport', { context, viewport: { width, height }, devicePixelRatio: pixelRatio });
    if (first) await this.call('script.addPreloadScript', { functionDeclaration: `() => { ${first} }`, contexts: [context] });
    return page;
  }

  call(method, params = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(this.#over);
      this.#calls.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ id, method, params }));
      return undefined;
    });
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
    await removeProfile(this.profile);
  }

  #take({ id, type, result, error, message }) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (type === 'error') call?.reject(new Error(`${error}: ${message}`));
    else call?.resolve(result);
  }

  #fail(error) {
    this.#over = error;
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

const KEYS = { Tab: '\uE004', Enter: '\uE006' };

class FirefoxPage extends Page {
  constructor(firefox, known) {
    super();
    Object.assign(this, { firefox, ...known });
  }

  call(method, params) {
    return this.firefox.call(method, { ...params, context: this.context });
  }

  async run(expression) {
    return valueOf(await this.#evaluated(expression));
  }

  async #evaluated(expression) {
    const how = { awaitPromise: true, resultOwnership: 'none' };
    const { result, exceptionDetails } = await this.firefox.call('script.evaluate', { expression, target: { context: this.context }, ...how });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result;
  }

  go(url) {
    return this.call('browsingContext.navigate', { url, wait: 'complete' });
  }

  async press(x, y) {
    const [at, down, up] = [{ type: 'pointerMove', x: Math.round(x), y: Math.round(y) }, { type: 'pointerDown', button: 0 }, { type: 'pointerUp', button: 0 }];
    const pointerType = this.screen.isPhone ? 'touch' : 'mouse';
    await this.#act({ type: 'pointer', id: pointerType, parameters: { pointerType }, actions: [at, down, up] });
  }

  async key(key) {
    const value = KEYS[key] ?? key;
    await this.#act({ type: 'key', id: 'keys', actions: [{ type: 'keyDown', value }, { type: 'keyUp', value }] });
  }

  #act(source) {
    return this.call('input.performActions', { actions: [source] });
  }

  /** Gives a box for files this one. */
  async choose(id, path) {
    const { sharedId } = await this.#evaluated(`document.getElementById('${id}')`);
    await this.call('input.setFiles', { element: { sharedId }, files: [path] });
  }

  async picture() {
    const { data } = await this.call('browsingContext.captureScreenshot', {});
    return Buffer.from(data, 'base64');
  }

  /** The page is gone at once: nobody asks it, and it tells nobody. */
  async close() {
    await this.call('browsingContext.close', { promptUnload: false }).catch(() => {});
    await this.firefox.call('browser.removeUserContext', { userContext: this.userContext }).catch(() => {});
  }
}

/** A value as BiDi writes it (script.RemoteValue). */
function valueOf({ type, value }) {
  switch (type) {
    case 'array': return value.map(valueOf);
    case 'object': return Object.fromEntries(value.map(([name, of]) => [name, valueOf(of)]));
    case 'null': return null;
    // 'NaN', 'Infinity' and '-0', too.
    case 'number': return Number(value);
    default: return value;
  }
}
