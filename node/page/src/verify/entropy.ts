import type { Bytes } from './bytes'
import { Malformed } from './shape'

// The codes of zstd (RFC 8878, section 4): tables of Huffman and of finite state entropy, and the streams of bits that they read.
// Each is held against what it may be before it is used.

// fail says that what was to be unpacked is none.
export function fail(what: string): never {
  throw new Malformed(`malformed zstd: ${what}`)
}

// need returns a byte that has to be there.
export function need(b: Bytes, at: number): number {
  const byte = b[at]
  if (byte === undefined) fail('cut off in a block')
  return byte
}

// Huffman is a table over as many bits as the longest code has (section 4.2).
export class Huffman {
  readonly #log: number
  readonly #symbols: Uint8Array
  readonly #bits: Uint8Array

  // The weights are of the symbols 0, 1, 2 …; that of one more follows from them.
  constructor(weights: number[]) {
    let sum = 0
    for (const w of weights) if (w > 0) sum += 2 ** (w - 1)
    if (sum === 0) fail('a table of no weights')
    this.#log = Math.floor(Math.log2(sum)) + 1
    const rest = 2 ** this.#log - sum
    if (this.#log > 11 || (rest & rest - 1) !== 0) fail('weights that make no table')
    const all = [...weights, Math.log2(rest) + 1]
    this.#symbols = new Uint8Array(2 ** this.#log)
    this.#bits = new Uint8Array(2 ** this.#log)
    let at = 0
    for (let weight = 1; weight <= this.#log; weight++) {
      all.forEach((w, symbol) => {
        if (w !== weight) return
        const span = 2 ** (w - 1)
        this.#symbols.fill(symbol, at, at + span)
        this.#bits.fill(this.#log + 1 - w, at, at + span)
        at += span
      })
    }
    if (at !== this.#symbols.length) fail('weights that make no table')
  }

  decode(b: Bytes, into: Bytes): void {
    const bits = new Backwards(b)
    for (let i = 0; i < into.length; i++) {
      const code = bits.peek(this.#log)
      into[i] = this.#symbols[code]!
      bits.skip(this.#bits[code]!)
    }
    if (bits.left !== 0) fail('literals that do not end where their bits do')
  }
}

// huffmanOf reads the weights of a table: four bits each, or compressed themselves.
export function huffmanOf(b: Bytes, at: number): { huffman: Huffman, end: number } {
  const head = need(b, at++)
  const weights: number[] = []
  if (head >= 128) {
    const n = head - 127
    const end = at + (n + 1 >> 1)
    if (end > b.length) fail('cut off in a table')
    for (let i = 0; i < n; i++) weights.push(i % 2 === 0 ? b[at + (i >> 1)]! >> 4 : b[at + (i >> 1)]! & 15)
    return { huffman: new Huffman(weights), end }
  }
  const end = at + head
  if (end > b.length) fail('cut off in a table')
  const { fse, end: from } = fseOf(b.subarray(0, end), at, 6, 255)
  const bits = new Backwards(b.subarray(from, end))
  // Two states take turns, until the bits of one run out; the other then has one more.
  const states = [bits.take(fse.log), bits.take(fse.log)] as [number, number]
  for (let i = 0; ; i ^= 1) {
    const state = states[i as 0 | 1]
    weights.push(fse.symbols[state]!)
    if (weights.length > 254) fail('too many weights')
    const n = fse.bits[state]!
    if (n > bits.left) {
      weights.push(fse.symbols[states[(i ^ 1) as 0 | 1]]!)
      break
    }
    states[i as 0 | 1] = fse.bases[state]! + bits.take(n)
  }
  return { huffman: new Huffman(weights), end }
}

// Fse is a decoding table of finite state entropy (section 4.1): by state, the symbol, and the bits and the base that lead to
// the next.
export interface Fse { log: number, symbols: Uint8Array, bits: Uint8Array, bases: Uint16Array }

// fseOf reads the description of a table.
export function fseOf(b: Bytes, at: number, maxLog: number, maxSymbol: number): { fse: Fse, end: number } {
  const bits = new Forwards(b, at)
  const log = bits.take(4) + 5
  if (log > maxLog) fail('a table that is too large')
  const counts: number[] = []
  for (let left = 2 ** log; left > 0;) {
    if (counts.length > maxSymbol) fail('more symbols than there are')
    // A count below left+2 takes a bit less where it is small.
    const width = Math.floor(Math.log2(left + 1)) + 1
    const short = 2 ** width - 1 - (left + 1)
    let value = bits.take(width - 1)
    if (value >= short) {
      value += bits.take(1) * 2 ** (width - 1)
      if (value >= 2 ** (width - 1)) value -= short
    }
    const count = value - 1
    counts.push(count)
    left -= Math.abs(count)
    if (left < 0) fail('counts that make no table')
    if (count === 0) {
      for (let more = 3; more === 3;) {
        more = bits.take(2)
        for (let i = 0; i < more; i++) counts.push(0)
        if (counts.length > maxSymbol + 1) fail('more symbols than there are')
      }
    }
  }
  if (counts.length > maxSymbol + 1) fail('more symbols than there are')
  return { fse: spread(counts, log), end: bits.end() }
}

// spread makes the table of which symbol has how many states; −1 stands for one state at less than one.
export function spread(counts: number[], log: number): Fse {
  const size = 2 ** log
  const symbols = new Uint8Array(size)
  let high = size - 1
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[high--] = symbol
  })
  let at = 0
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol
      do at = at + (size >> 1) + (size >> 3) + 3 & size - 1
      while (at > high)
    }
  })
  const next = counts.map(count => Math.abs(count))
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const x = next[symbols[state]!]!++
    bits[state] = log - Math.floor(Math.log2(x))
    bases[state] = (x << bits[state]!) - size
  }
  return { log, symbols, bits, bases }
}

// Forwards takes bits from the lowest of each byte on.
class Forwards {
  readonly #b: Bytes
  #at: number // in bits

  constructor(b: Bytes, at: number) {
    this.#b = b
    this.#at = 8 * at
  }

  take(n: number): number {
    if (this.#at + n > 8 * this.#b.length) fail('cut off in a table')
    let value = 0
    for (let i = 0; i < n; i++, this.#at++) value |= (this.#b[this.#at >> 3]! >> (this.#at & 7) & 1) << i
    return value
  }

  end(): number {
    return this.#at + 7 >> 3
  }
}

// Backwards takes bits from the end on, where the highest bit that is set says where they begin.
export class Backwards {
  left: number
  readonly #b: Bytes

  constructor(b: Bytes) {
    const last = b[b.length - 1]
    if (!last) fail('bits that do not end')
    this.#b = b
    this.left = 8 * b.length - 8 + Math.floor(Math.log2(last))
  }

  take(n: number): number {
    if (n > this.left) fail('cut off in a stream of bits')
    this.left -= n
    return this.#at(this.left, n)
  }

  // peek returns n bits, of which those that are not there are 0.
  peek(n: number): number {
    const missing = Math.max(0, n - this.left)
    return this.#at(this.left - (n - missing), n - missing) << missing
  }

  skip(n: number): void {
    if (n > this.left) fail('cut off in a stream of bits')
    this.left -= n
  }

  // #at returns n bits from the bit from on; n is at most 31.
  #at(from: number, n: number): number {
    let value = 0
    for (let got = 0; got < n;) {
      const at = from + got
      const part = Math.min(8 - (at & 7), n - got)
      value += (this.#b[at >> 3]! >> (at & 7) & (1 << part) - 1) * 2 ** got
      got += part
    }
    return value
  }
}
