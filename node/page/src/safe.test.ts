import { expect, test } from 'vitest'
import { fitted, pieces, quoted, visible } from './safe'

test.each([
  ['order-17', 'order-17'],
  ['naïve Größe 東京 שלום مرحبا हिन्दी', 'naïve Größe 東京 שלום مرحبا हिन्दी'],
  ['family 👩‍👩‍👧 and 👍🏽', 'family 👩‍👩‍👧 and 👍🏽'],
  ['paid\u202egnp.exe', 'paid‹U+202E›gnp.exe'],
  ['\u2066\u2067\u2068x\u2069\u200e\u200f\u061c', '‹U+2066›‹U+2067›‹U+2068›x‹U+2069›‹U+200E›‹U+200F›‹U+061C›'],
  ['a\nb\tc\x1b[31m\0\x7f\x85', 'a‹LF›b‹TAB›c‹ESC›[31m‹NUL›‹U+007F›‹U+0085›'],
  ['no\u200bbreak\ufeff\u00ad', 'no‹U+200B›break‹U+FEFF›‹U+00AD›'],
  ['a\u200db', 'a‹U+200D›b'],
  ['x\u00a0y\u3000z\u2003', 'x‹U+00A0›y‹U+3000›z‹U+2003›'],
  ['half \ud800 a pair', 'half ‹U+D800› a pair'],
  ['\ue000\u{e0041}\u2028', '‹U+E000›‹U+E0041›‹LF›'.replace('LF', 'U+2028')],
  ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
])('%j is shown as %s', (text, shown) => {
  expect(visible(text)).toBe(shown)
})

test('marks do not pile up', () => {
  const shown = visible('Z' + '\u0301'.repeat(500))
  expect(shown.match(/\u0301/g)?.length).toBe(4)
  expect(shown.endsWith('…')).toBe(true)
})

test('a text is cut by characters, and says so', () => {
  expect(visible('😀'.repeat(300), 10)).toBe('😀'.repeat(10) + '…')
  expect(visible('x'.repeat(10), 10)).toBe('x'.repeat(10))
  expect(pieces('x'.repeat(1 << 20), 80).pieces).toEqual([{ text: 'x'.repeat(80), named: false }])
})

test('nothing ends the quotes that it stands in, or names a character that is not there', () => {
  expect(quoted('a” and the node holds nothing. “')).toBe('“a‹U+201D› and the node holds nothing. ‹U+201C›”')
  expect(visible('‹U+202E›')).toBe('‹U+2039›U+202E‹U+203A›')
})

test('a label fits into its box', () => {
  expect(fitted('provisional', 15)).toBe('provisional')
  expect(fitted('a-very-long-stage-name', 15)).toBe('a-very-long-sta…')
  expect(fitted('東京東京東京東京東京', 15)).toBe('東京東京東京東…')
  expect(fitted('\u202e'.repeat(9), 15)).toBe('‹U+202E›‹U+202E…')
})
