// A page without a screen, and diagrams that only remember what they were given.

import { parseHTML } from 'linkedom';

export class Screen {
  /** Each diagram's settings. */
  diagrams = [];

  constructor(html) {
    const { diagrams } = this;
    const { document, HTMLElement } = parseHTML(html);
    this.document = document;
    // It lays nothing out: both texts are the same.
    Object.defineProperty(HTMLElement.prototype, 'innerText', {
      configurable: true,
      get() {
        return this.textContent;
      },
      set(text) {
        this.textContent = String(text);
      },
    });
    this.Highcharts = {
      Chart: class {
        constructor(...settings) {
          Object.assign(this, settings.at(-1));
          diagrams.push(settings.at(-1));
        }

        reflow() {}
        redraw() {}
      },
    };
  }

  text(id) {
    return this.document.getElementById(id).textContent;
  }

  /** The rows of the table whose head begins with a word: each row's time and the element of its step. */
  rows(word) {
    const tables = [...this.document.querySelectorAll('table')];
    const [, ...rows] = tables.find((table) => table.textContent.trim().startsWith(word)).querySelectorAll('tr');
    return rows.map((row) => ({ time: row.firstElementChild.textContent, step: row.lastElementChild }));
  }

  /** The points of each series in a diagram, under the name that it has in the file. */
  series(idOf) {
    const series = {};
    this.diagrams.forEach((diagram, index) => {
      for (const { name, data } of diagram.series) series[`${idOf(diagram, index)}-${name}`] = data;
    });
    return series;
  }
}

/** What both pages leave out of their diagrams. */
export function isDrawn(name, points, statsType) {
  if (['local-candidate', 'remote-candidate', 'codec'].includes(statsType)) return false;
  const member = name.includes('[') ? name.slice(name.lastIndexOf('[')) : name.slice(name.lastIndexOf('-') + 1);
  const hidden = ['timestamp', 'protocol', 'dataChannelIdentifier', 'streamIdentifier', 'trackIdentifier', 'priority',
    'port', 'ssrc', 'rtxSsrc', 'fecSsrc', 'mid', 'rid', 'encodingIndex', 'active', 'qualityLimitationReason',
    'encoderImplementation', 'decoderImplementation', 'scalabilityMode'];
  return typeof points[0][1] === 'number' && !hidden.includes(member);
}

/** What a step's element shows: its name and, if there is one, the description. */
export function shown(step) {
  const head = step.querySelector('details')?.firstChild ?? step;
  const [type] = head.textContent.match(/^\w+/);
  const whole = step.textContent.match(/\(type: "(\w+)", (\d+) sections\)/);
  return { type, ...whole && { kind: whole[1], sections: Number(whole[2]) } };
}
