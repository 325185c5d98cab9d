import { expect, test } from 'vitest'
import { type Json, maxDepth, parseJson } from './json'

// plain makes of a value what JSON.parse would.
function plain(v: Json): unknown {
  switch (v.type) {
    case 'object': return Object.fromEntries(v.members.map(m => [m.name, plain(m.value)]))
    case 'array': return v.items.map(plain)
    case 'text': return v.text
    case 'number': return Number(v.text)
    case 'word': return v.text === 'null' ? null : v.text === 'true'
  }
}

const valid = [
  '{}', '[]', '""', '0', '-0', '1.5e-7', 'true', ' null ', '[1,2,[3,{"a":[]}],{}]', '{"a":{"b":[true,false,null]},"c":"\\u00e9\\ud83d\\ude00\\n\\/"}',
  '"\\"\\\\"', '[[[[]]],[[]]]', '"é\u2028"', '\t{\n"a" : 1 ,\r"b":2}',
]
const invalid = [
  '', ' ', '{', '[', '[1', '[1,', '[1,]', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{a:1}', "{'a':1}", '01', '1.', '.5', '1e', '+1', '-', 'tru',
  'nul', 'NaN', '"', '"\\x"', '"\\u12"', '"\n"', '"\u0000"', '[1 2]', '{"a" 1}', '{} {}', '1 2', ']', '}', '[}', '{]', '\ufeff1', '"a"b', '[,1]', '{,}',
]

test('it takes what JSON.parse takes, and nothing else', () => {
  for (const text of valid) expect(plain(parseJson(text)), text).toEqual(JSON.parse(text))
  for (const text of invalid) {
    expect(() => JSON.parse(text), text).toThrow()
    expect(() => parseJson(text), text).toThrow(SyntaxError)
  }
})

test('every change of one character is judged as JSON.parse does', () => {
  const base = '{"a":[1,-2.5e3,{"b":"c\\n"}],"d":null}'
  for (let i = 0; i < base.length; i++) {
    for (const c of '{}[]",:0-.e\\n a') {
      const text = base.slice(0, i) + c + base.slice(i + 1)
      let want: unknown = SyntaxError
      try { want = JSON.parse(text) } catch { /* refused */ }
      if (want === SyntaxError) expect(() => parseJson(text), text).toThrow(SyntaxError)
      else expect(plain(parseJson(text)), text).toEqual(want)
    }
  }
})

test('nothing is lost', () => {
  expect(parseJson('{"2":12345678901234567890.0,"1":1e400,"1":-0,"__proto__":1}')).toEqual({
    type: 'object', members: [
      { name: '2', value: { type: 'number', text: '12345678901234567890.0' } },
      { name: '1', value: { type: 'number', text: '1e400' } },
      { name: '1', value: { type: 'number', text: '-0' } },
      { name: '__proto__', value: { type: 'number', text: '1' } },
    ],
  })
})

test('depth is bounded, and does not fill the stack', () => {
  expect(parseJson('['.repeat(maxDepth) + ']'.repeat(maxDepth)).type).toBe('array')
  expect(() => parseJson('['.repeat(maxDepth + 1) + ']'.repeat(maxDepth + 1))).toThrow('nested deeper')
  expect(() => parseJson('{"a":'.repeat(1_000_000))).toThrow('nested deeper')
})
