// What mail programs, chats and people do to a text on its way. The same as in tests/manglings, where it is told who
// does what; each has the forms to which it cannot happen.

const TEXT = ['json', 'sdp'];

/** Breaks lines within words. */
export function hard(text, columns, end) {
  let [wrapped, column] = ['', 0];
  for (const character of text) {
    if (/[\n\r\u2028]/.test(character)) {
      column = 0;
    } else if (column === columns) {
      wrapped += end;
      column = 1;
    } else {
      column++;
    }
    wrapped += character;
  }
  return wrapped;
}

/** Breaks lines at spaces. Words that are longer than a line are left. */
function words(text, columns, end) {
  return lines(text).map((line) => {
    let [wrapped, column] = ['', 0];
    for (const [index, word] of line.split(' ').entries()) {
      if (index > 0 && column + word.length >= columns) {
        wrapped += end;
        column = 0;
      } else if (index > 0) {
        wrapped += ' ';
        column++;
      }
      wrapped += word;
      column += word.length;
    }
    return wrapped + '\r\n';
  }).join('');
}

const lines = (text) => text.replace(/\r?\n$/, '').split(/\r?\n/);
const withEnds = (text, end) => lines(text).map((line) => line + end).join('');
const quoted = (text, mark) => lines(text).map((line) => `${mark}${line}\n`).join('');
const parts = (text, length, head, between) =>
  text.match(new RegExp(`[^]{1,${length}}`, 'g')).map((piece) => head + piece + between).join('');

function quotedPrintable(text, upper = true) {
  return lines(text).map((line) => {
    const bytes = [...new TextEncoder().encode(line)];
    let [encoded, column] = ['', 0];
    bytes.forEach((byte, at) => {
      const isPlain = (byte > 32 && byte < 127 && byte !== 61) || (byte === 32 && at < bytes.length - 1);
      const hex = byte.toString(16).padStart(2, '0');
      const unit = isPlain ? String.fromCharCode(byte) : `=${upper ? hex.toUpperCase() : hex}`;
      if (column + unit.length > 75) {
        encoded += '=\r\n';
        column = 0;
      }
      column += unit.length;
      encoded += unit;
    });
    return encoded + '\r\n';
  }).join('');
}

function html(text, end) {
  const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return lines(text).map((line) => line.replace(/[&<>"']/g, (character) => escapes[character])).join(end);
}

function smartQuotes(text, open, close) {
  let isOpen = false;
  return text.replaceAll('"', () => ((isOpen = !isOpen) ? open : close));
}

/** Each with what it does and, where there are any, the forms to which it cannot happen. */
export const MANGLINGS = [
  ['nothing at all', (text) => text],
  ['a shell: a line feed after it', (text) => text.trimEnd() + '\n'],
  ['base64 of mail: 76 columns, CR LF', (text) => hard(text, 76, '\r\n')],
  ['PEM: 64 columns', (text) => hard(text, 64, '\n')],
  ['classic Mac OS: 72 columns, CR', (text) => hard(withEnds(text, '\r'), 72, '\r')],
  ['U+2028', (text) => hard(withEnds(text, '\u2028'), 70, '\u2028')],
  ['a telephone: 40 columns', (text) => hard(text, 40, '\n')],
  ['a terminal that fills lines up with blanks', (text) => lines(hard(text, 100, '\n')).map((line) => line.padEnd(100) + '\n').join(''), TEXT],
  ['words wrapped at 78 (Gmail)', (text) => words(text, 78, '\r\n')],
  ['words wrapped at 72 (fmt)', (text) => words(text, 72, '\n')],
  ['format=flowed', (text) => words(text, 72, ' \r\n')],
  ['format=flowed, delsp=yes', (text) => hard(text, 68, ' \r\n'), ['json']],
  ['folded like a calendar', (text) => hard(text, 74, '\r\n ')],
  ['CR LF read as two line ends', (text) => hard(withEnds(text, '\n\n'), 76, '\n\n')],
  ['YAML block', (text) => `offer: |\n${lines(text).map((line) => `\t    ${line}`).join('\n')}\n`],

  ['greeting and signature', (text) => `Hello {Bob},\n\nhere it is, paste it:\n\n${text.trimEnd()}\n\nKind regards\n-- \nAlice, e.g. +1 555 0100\n`],
  ['words right before and after it', (text) => `Here it is: ${text.trimEnd()} - see you soon!`, ['sdp']],
  ['pasted twice, in a row', (text) => text + text, ['compact']],
  ['pasted twice, on two lines', (text) => `${text}\n${text}\n`],
  ['cut off, then whole', (text) => `${text.slice(0, text.length / 2)}\n\nSorry, again:\n\n${text}\n`, ['sdp']],
  ['cut off, then whole, right below', (text) => `${text.slice(0, text.length / 3)}\n${text}\n`, ['sdp']],
  ['a mailing list: footer', (text) => `${text.trimEnd()}\n_______________________________________________\nlist mailing list\nlist@lists.example\n`],
  ['Gmail: quoted', (text) => `Yes!\n\nOn Sun, Nov 22, 2026 at 6:03 PM Alice <alice@mail.example> wrote:\n${quoted(words(text, 74, '\n'), '> ')}`],
  ['mutt: quoted, wrapped within words', (text) => quoted(hard(text, 70, '\n'), '> ')],
  ['Thunderbird: quoted twice', (text) => quoted(words(text, 70, '\n'), '>> ')],
  ['Apple Mail: quoted three times', (text) => quoted(words(text, 70, '\n'), '> > > ')],
  ['quoted with a bar', (text) => quoted(text, '| ')],
  ['The Bat!: quoted with initials', (text) => quoted(hard(text, 70, '\r\n'), 'AB> ')],
  ['Outlook: forwarded', (text) => `________________________________\r\nFrom: Alice <alice@mail.example>\r\nSent: Sunday, November 22, 2026 6:03 PM\r\nTo: Bob\r\nSubject: Call?\r\n\r\n${words(text, 76, '\r\n')}`],
  ['indented by no-break spaces', (text) => quoted(text, '\u00a0\u00a0\u00a0 ')],
  ['Markdown: fenced', (text) => `Take this:\n\`\`\`\n${text.trimEnd()}\n\`\`\`\nBye`],
  ['Markdown: in back-ticks', (text) => `take \`${text.trimEnd()}\` and go`],
  ['in quotation marks', (text) => `"${text.trimEnd()}"`],
  ['after a command', (text) => `p2pcall answer '${text.trimEnd()}'`],
  ['in angle brackets', (text) => `<${text.trimEnd()}>`, TEXT],

  ['quoted-printable', (text) => quotedPrintable(text)],
  ['quoted-printable in lower case', (text) => quotedPrintable(text, false)],
  ['quoted-printable with no-break spaces', (text) => quotedPrintable(`Hello\u00a0Bob,\n\n${text}\n\u00a0\nBye\n`.replace('typ host', 'typ\u00a0host'))],
  ['quoted-printable in Windows-1252', (text) => quotedPrintable(`Say (hi)\n\n${text}\n`).replace('(hi)', '=93hi=94=A0').replace(' IN', '=A0IN')],
  ['the source of an HTML mail', (text) => quotedPrintable(`<html><body><p class="MsoNormal">${html(text, '<br>\n')}</p></body></html>`)],
  ['HTML: <pre>', (text) => `<pre>${html(text, '\n')}</pre>`],
  ['HTML: <br>', (text) => `<div dir="ltr">Hi,<br><br>${html(words(text, 100, '\n'), '<br>')}<br><br>Bye</div>`],
  ['HTML: a <div> a line', (text) => lines(text).map((line) => `<div>${html(line, '')}</div>`).join('')],
  ['HTML: &nbsp; (Outlook)', (text) => lines(text).map((line) => `<p class="MsoNormal" style='margin:0cm'>${html(line, '').replaceAll(' ', '&nbsp;')}<o:p></o:p></p>\r\n`).join('')],
  ['HTML: <wbr>', (text) => html(hard(text, 30, '\u0001'), '<br>\n').replaceAll('\u0001', '<wbr>')],
  ['HTML: numbered references', (text) => html(text, '\n').replaceAll('&quot;', '&#x22;').replaceAll('=', '&#61;').replaceAll('{', '&#123;').replaceAll('}', '&#125;')],
  ['HTML: escaped twice', (text) => html(html(text, '\n'), '<br/>\n')],
  ['HTML: quoted by &gt;', (text) => html(quoted(hard(text, 76, '\n'), '> '), '\n')],
  ['HTML: a link', (text) => `<p>Click <a href="https://call.example/#${encodeURIComponent(text)}" rel=noopener>here</a></p>`],
  ['after the # of a link', (text) => `https://call.example/join#${encodeURIComponent(text)}`],
  ['p2pcall:#', (text) => `p2pcall:#${encodeURIComponent(text)}`],
  ['p2pcall: alone', (text) => `p2pcall:${encodeURIComponent(text)}`],
  ["a mailto: link's body", (text) => `mailto:bob@mail.example?subject=Call&body=${encodeURIComponent(`Hi,\r\n\r\n${text}\r\n\r\nBye`)}&cc=`],
  ['safelinks', (text) => `https://eur01.safelinks.protection.outlook.com/?url=${encodeURIComponent(`https://call.example/#${encodeURIComponent(text)}`)}&data=05%7C02%7C&reserved=0`],
  ['a string in JSON', (text) => `{"msg":${JSON.stringify(text)},"to":"bob"}`],
  ['JSON.stringify twice', (text) => JSON.stringify(JSON.stringify(text))],
  ['a Python literal', (text) => `text = '${text.replaceAll('\\', '\\\\').replaceAll('\r', '\\r').replaceAll('\n', '\\n')}'`],
  ['all white space is one blank', (text) => text.trim().split(/\s+/).join(' ') + '\n'],
  ['soft breaks alone', (text) => hard(text, 75, '=\r\n'), TEXT],

  ['smart quotes', (text) => smartQuotes(text, '\u201c', '\u201d')],
  ['German quotes', (text) => smartQuotes(text, '\u201e', '\u201c')],
  ['smart dashes and ellipses', (text) => text.replaceAll('--', '\u2014').replaceAll('...', '\u2026')],
  ['hyphens that do not break', (text) => text.replaceAll('-', '\u2011')],
  ['narrow no-break spaces', (text) => text.replaceAll(' ', '\u202f')],
  ['zero-width spaces', (text) => hard(text, 25, '\u200b')],
  ['soft hyphens', (text) => hard(text, 33, '\u00ad')],
  ['word joiners', (text) => hard(text, 20, '\u200c\u2060')],
  ['a byte order mark', (text) => `\ufeff${text}`],
  ['directional marks', (text) => lines(text).map((line) => `\u200e\u202a${line}\u202c\r\n`).join('')],
  ['Unicode isolates', (text) => `\u2068${text}\u2069`],
  ['full-width marks', (text) => text.replace(/[{}=:]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) + 0xfee0))],
  ["a terminal's colours", (text) => `\u001b[1;32m${hard(text, 60, '\u001b[K')}\u001b[0m\n`],
  ['the marks of a bracketed paste', (text) => `\u001b[200~${text}\u001b[201~`],
  ['a null and a substitute character', (text) => `${text}\0\u001a`],
  ['the prefix in capitals', (text) => text.replace(/^p2pcall1/, 'P2PCALL1')],

  ['irssi: time and name', (text) => quoted(hard(text, 400, '\n'), '12:03 <bob> ')],
  ['WeeChat: aligned names', (text) => quoted(hard(text, 300, '\n'), '12:03:45       bob | ')],
  ['WhatsApp: time and name', (text) => `[18:03, 22/11/2026] Bob: ${text}\n[18:04, 22/11/2026] Bob: got it?`],
  ['WhatsApp: every line a message', (text) => quoted(text, '[18:03, 22/11/2026] Bob: ')],
  ['WhatsApp: an exported chat', (text) => `22/11/2026, 18:03 - Bob: ${text.trimEnd()}\n22/11/2026, 18:04 - Alice: thanks\n`],
  ['Telegram: head line', (text) => `Bob, [22.11.2026 18:03]\n${text.trimEnd()}\n\nBob, [22.11.2026 18:04]\nthere\n`],
  ['Telegram: cut into messages', (text) => parts(text, 4096, 'Bob, [22.11.2026 18:03]\n', '\n\n'), TEXT],
  ['Discord: cut into messages', (text) => parts(text, 2000, 'Bob \u2014 18:03\n', '\n'), TEXT],
  ['Slack: head line, block quote', (text) => `Bob\n  6:03 PM\n${quoted(text, '> ')}\n  6:04 PM\nok?`],
  ['Discord: a quoted reply', (text) => `> ${text.trimEnd().replaceAll('\n', '\n> ')}\n@Bob thanks!`],
  ['Signal: name and time below', (text) => `${text.trimEnd()}\nBob\n18:03 \u00b7 Read\n`],
  ['SMS: cut at 153 characters', (text) => hard(text, 153, '\n')],
  ['Teams: [18:03] Name', (text) => `[18:03] Bob Example\n${text}`],
];
