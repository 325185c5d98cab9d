import type { JSX } from 'preact'

// Whatever comes from a log, a member or a bundle was written by a stranger. It is shown with everything in it that could
// pass for something else made visible, cut in length, and set apart from the page's own words: always in the face of
// typed text, and isolated, so that it can turn no neighbour round.

// A piece of a text: what may be shown as it is, or the name of a character that is shown as such.
export interface Piece { text: string, named: boolean }

// Controls, formats (bidi and zero-width characters among them), line and paragraph ends, surrogates without their half,
// private and unassigned characters, blanks that are no space, and the fillers that look like nothing.
const strange = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800]/u
const mark = /\p{M}/u
const pictograph = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f/u

// marks is how many combining marks may stand on one character: languages need up to three or four, and stacks of them
// leave the line.
const marks = 4

// pieces takes a text apart, and no more of it than max characters.
export function pieces(text: string, max = 200): { pieces: Piece[], cut: boolean } {
  const found: Piece[] = []
  let plain = '', stacked = 0, before = '', n = 0, cut = false
  const flush = () => {
    if (plain) found.push({ text: plain, named: false })
    plain = ''
  }
  for (const char of text) {
    if (n++ >= max) {
      cut = true
      break
    }
    stacked = mark.test(char) ? stacked + 1 : 0
    // The joiner of emoji sequences has its place between pictographs, and nowhere else.
    const joins = char === '\u200d' && pictograph.test(before)
    if ((strange.test(char) && !joins) || stacked > marks) {
      flush()
      found.push({ text: name(char), named: true })
    } else {
      plain += char
    }
    before = char
  }
  flush()
  return { pieces: found, cut }
}

// visible gives the same as one text, for a canvas, a title or an attribute: no character in it is other than it looks.
export function visible(text: string, max = 200): string {
  const { pieces: found, cut } = pieces(text, max)
  return found.map(p => p.named ? `‹${p.text}›` : p.text.replace(/[‹›]/g, c => `‹${name(c)}›`)).join('') + (cut ? '…' : '')
}

// quoted gives it in quotes, for a sentence of the page's own: there is no quote in it that could end them.
export function quoted(text: string, max = 60): string {
  return `“${visible(text, max).replace(/[“”„‟]/g, c => `‹${name(c)}›`)}”`
}

// fitted gives it cut to so many columns, of which a wide character takes two.
export function fitted(text: string, columns: number): string {
  let out = '', used = 0
  for (const char of visible(text, columns + 1)) {
    used += /[\u1100-\u{3ffff}]/u.test(char) && !/[\u2000-\u206f]/.test(char) ? 2 : 1
    if (used > columns) return `${out}…`
    out += char
  }
  return out
}

const short: Record<string, string> = { '\n': 'LF', '\r': 'CR', '\t': 'TAB', '\0': 'NUL', '\x1b': 'ESC' }

function name(char: string): string {
  return short[char] ?? `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
}

// Stranger shows a text that a stranger has written. Of an empty one it shows what without says, in the page's own words.
export function Stranger({ text, max = 200, without }: { text: string | undefined, max?: number, without?: string }): JSX.Element {
  if (!text) return <span class="without">{without ?? '—'}</span>
  const { pieces: found, cut } = pieces(text, max)
  return (
    <bdi class="stranger">
      {found.map(p => p.named ? <span class="named">{p.text}</span> : p.text)}
      {cut && <span class="cut" title={`${[...text].length}`}>…</span>}
    </bdi>
  )
}
