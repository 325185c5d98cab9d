// What JSON says, with nothing lost: numbers as they are written, members in their order, names that come twice twice. What
// JSON.parse makes of a text can differ from what stands there, and what is shown here comes from strangers.

export type Json =
  | { type: 'object'; members: { name: string; value: Json }[] }
  | { type: 'array'; items: Json[] }
  | { type: 'text'; text: string }
  | { type: 'number'; text: string }
  | { type: 'word'; text: 'true' | 'false' | 'null' }

export const maxDepth = 10_000 // as the programs that write JSON to a log allow

// parseJson reads the one JSON value that is all of source (RFC 8259), or throws what is wrong and where. It does not recurse.
export function parseJson(source: string): Json {
  return new Reader(source).whole()
}

type Open = { value: Extract<Json, { type: 'object' | 'array' }>; name?: string }

const space = /[ \t\n\r]*/y
const plain = /[^"\\\u0000-\u001f]*/y
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const word = /true|false|null/y
const escapes: Record<string, string> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

class Reader {
  #at = 0
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  whole(): Json {
    const open: Open[] = []
    for (;;) {
      let value = this.#begin(open)
      if (!value) continue
      // A value has ended: so may what it stands in.
      for (;;) {
        const top = open[open.length - 1]
        if (!top) return this.#end(value)
        if (top.value.type === 'object') top.value.members.push({ name: top.name!, value })
        else top.value.items.push(value)
        this.#match(space)
        const closing = top.value.type === 'object' ? '}' : ']'
        if (this.#take(',')) {
          if (top.value.type === 'object') top.name = this.#name()
          break
        }
        if (!this.#take(closing)) this.#fail(`expected a comma or ${closing}`)
        value = top.value
        open.pop()
      }
    }
  }

  // #begin takes a value, or opens one that has more in it and returns nothing.
  #begin(open: Open[]): Json | undefined {
    this.#match(space)
    const c = this.#source[this.#at]
    if (c === '{' || c === '[') {
      if (open.length >= maxDepth) this.#fail(`nested deeper than ${maxDepth}`)
      this.#at++
      this.#match(space)
      if (c === '[') {
        if (this.#take(']')) return { type: 'array', items: [] }
        open.push({ value: { type: 'array', items: [] } })
      } else {
        if (this.#take('}')) return { type: 'object', members: [] }
        open.push({ value: { type: 'object', members: [] }, name: this.#name() })
      }
      return undefined
    }
    if (c === '"') return { type: 'text', text: this.#text() }
    const digits = this.#match(number)
    if (digits) return { type: 'number', text: digits }
    const name = this.#match(word)
    if (name) return { type: 'word', text: name as 'true' | 'false' | 'null' }
    return this.#fail('expected a value')
  }

  #end(value: Json): Json {
    this.#match(space)
    if (this.#at < this.#source.length) this.#fail('more follows the value')
    return value
  }

  // #name takes the name of a member and the colon after it.
  #name(): string {
    this.#match(space)
    if (this.#source[this.#at] !== '"') this.#fail('expected a name in quotes')
    const name = this.#text()
    this.#match(space)
    if (!this.#take(':')) this.#fail('expected a colon after a name')
    return name
  }

  #text(): string {
    this.#at++
    let text = ''
    for (;;) {
      text += this.#match(plain)
      if (this.#take('"')) return text
      if (!this.#take('\\')) this.#fail('a text is cut off, or has a control character in it')
      const c = this.#source[this.#at++] ?? ''
      const digits = c === 'u' ? this.#source.slice(this.#at, this.#at + 4) : ''
      if (c === 'u' && /^[0-9a-fA-F]{4}$/.test(digits)) {
        text += String.fromCharCode(parseInt(digits, 16))
        this.#at += 4
      } else {
        text += escapes[c] ?? this.#fail('an escape that there is not')
      }
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #take(c: string): boolean {
    if (this.#source[this.#at] !== c) return false
    this.#at++
    return true
  }

  #fail(what: string): never {
    const where = this.#at >= this.#source.length ? 'it is cut off' : `at character ${this.#at}: ${what}`
    throw new SyntaxError(`not valid JSON: ${where}`)
  }
}
