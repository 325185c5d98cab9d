import type { Bytes } from './bytes'
import { Backwards, fail, fseOf, Huffman, huffmanOf, need, spread, type Fse } from './entropy'
import { maxWindow } from './limits'

// Decompressing zstd (RFC 8878), which browsers do not: bundles are packed with it. What comes is a stranger's, so every step
// is held against what was announced: no work and no memory beyond the size that the caller allows.

const maxBlock = 128 << 10

// unpackZstd returns the size bytes that b holds: one frame without a dictionary that says that size, and behind it nothing but
// skippable frames. It throws Malformed. A checksum is not looked at: what is unpacked here is signed or hashed.
export function unpackZstd(b: Bytes, size: number): Bytes {
  const header = frameHeader(b)
  if (header.size !== size) fail('the frame says another size')
  const out = new Output(size)
  let at = header.end
  const tables: Tables = { repeat: [1, 4, 8] }
  for (let last = false; !last;) {
    if (at + 3 > b.length) fail('cut off in a block')
    const head = b[at]! | b[at + 1]! << 8 | b[at + 2]! << 16
    const n = head >> 3
    last = (head & 1) === 1
    at += 3
    const kind = head >> 1 & 3
    const taken = kind === 1 ? 1 : n
    if (kind === 3 || n > Math.min(maxBlock, header.window) || at + taken > b.length) fail('a block that cannot be')
    if (kind === 0) out.append(b.subarray(at, at + n))
    else if (kind === 1) out.fill(b[at]!, n)
    else block(b.subarray(at, at + n), out, tables, Math.min(maxBlock, header.window))
    at += taken
  }
  if (header.checksum) at += 4
  if (at > b.length) fail('cut off in a checksum')
  while (at < b.length) at = skippable(b, at)
  if (out.at !== size) fail(`${out.at} bytes, expected ${size}`)
  return out.b
}

function frameHeader(b: Bytes): { size: number, window: number, checksum: boolean, end: number } {
  const number = (at: number, n: number) => {
    if (at + n > b.length) fail('cut off in its header')
    let value = 0
    for (let i = n - 1; i >= 0; i--) value = value * 256 + b[at + i]!
    return value
  }
  if (number(0, 4) !== 0xfd2fb528) fail('no frame')
  const flags = number(4, 1)
  const single = (flags >> 5 & 1) === 1
  if (flags & 8) fail('a reserved bit is set')
  let at = 5
  let window = 0
  if (!single) {
    const w = number(at++, 1)
    const base = 2 ** (10 + (w >> 3))
    window = base + base / 8 * (w & 7)
  }
  const dictionary = [0, 1, 2, 4][flags & 3]!
  if (number(at, dictionary) !== 0) fail('it needs a dictionary')
  at += dictionary
  const width = [single ? 1 : 0, 2, 4, 8][flags >> 6]!
  if (width === 0) fail('the frame says no size')
  const size = number(at, width) + (width === 2 ? 256 : 0)
  if (single) window = size
  if (window > maxWindow) fail('its window is too large')
  return { size, window, checksum: (flags >> 2 & 1) === 1, end: at + width }
}

// skippable returns where the skippable frame at at ends.
function skippable(b: Bytes, at: number): number {
  if (at + 8 > b.length) fail('bytes follow the frame')
  const view = new DataView(b.buffer, b.byteOffset + at, 8)
  if ((view.getUint32(0, true) & 0xfffffff0) >>> 0 !== 0x184d2a50) fail('bytes follow the frame')
  const end = at + 8 + view.getUint32(4, true)
  if (end > b.length) fail('cut off in a skippable frame')
  return end
}

// Output is where the bytes go: never more than were announced.
class Output {
  readonly b: Bytes
  at = 0

  constructor(size: number) {
    this.b = new Uint8Array(size)
  }

  #room(n: number): void {
    if (n > this.b.length - this.at) fail('more bytes than the frame says')
  }

  append(part: Bytes): void {
    this.#room(part.length)
    this.b.set(part, this.at)
    this.at += part.length
  }

  fill(byte: number, n: number): void {
    this.#room(n)
    this.b.fill(byte, this.at, this.at + n)
    this.at += n
  }

  // copy repeats n bytes that stand offset back; they may overlap what is written.
  copy(offset: number, n: number): void {
    this.#room(n)
    if (offset > this.at) fail('a match that begins before the frame')
    if (offset >= n) this.b.copyWithin(this.at, this.at - offset, this.at - offset + n)
    else for (let i = 0; i < n; i++) this.b[this.at + i] = this.b[this.at + i - offset]!
    this.at += n
  }
}

// Tables are what one block leaves to the next.
interface Tables {
  huffman?: Huffman
  sequences?: [literals: Fse, offsets: Fse, matches: Fse]
  repeat: [number, number, number] // the last offsets
}

// block decodes a compressed block (section 3.1.1.3).
function block(b: Bytes, out: Output, tables: Tables, most: number): void {
  const { literals, end } = literalsOf(b, tables, most)
  const begin = out.at
  let at = end
  let n = need(b, at++)
  if (n >= 128) n = n < 255 ? (n - 128 << 8) + need(b, at++) : need(b, at++) + (need(b, at++) << 8) + 0x7f00
  if (n === 0) {
    if (at !== b.length) fail('bytes follow the literals')
    out.append(literals)
    return
  }
  const modes = need(b, at++)
  if (modes & 3) fail('a reserved bit is set')
  const used = [6, 4, 2].map((shift, i) => {
    const table = sequenceTable(b, at, modes >> shift & 3, sequenceCodes[i]!, tables.sequences?.[i])
    at = table.end
    return table.fse
  }) as [Fse, Fse, Fse]
  tables.sequences = used
  runSequences(new Backwards(b.subarray(at)), n, used, literals, out, tables.repeat)
  if (out.at - begin > most) fail('a block that is too long')
}

// runSequences carries out n sequences: so many literals, then a match.
function runSequences(bits: Backwards, n: number, [ll, of, ml]: [Fse, Fse, Fse], literals: Bytes, out: Output, repeat: Tables['repeat']): void {
  const state = { ll: bits.take(ll.log), of: bits.take(of.log), ml: bits.take(ml.log) }
  let from = 0
  for (let i = 0; i < n; i++) {
    const code = of.symbols[state.of]!
    const offsetValue = 2 ** code + bits.take(code)
    const matchCode = ml.symbols[state.ml]!
    const match = matchBase[matchCode]! + bits.take(matchBits[matchCode]!)
    const literalCode = ll.symbols[state.ll]!
    const length = literalBase[literalCode]! + bits.take(literalBits[literalCode]!)
    if (length > literals.length - from) fail('more literals than there are')
    out.append(literals.subarray(from, from + length))
    from += length
    out.copy(offsetOf(offsetValue, length, repeat), match)
    if (i === n - 1) break
    state.ll = ll.bases[state.ll]! + bits.take(ll.bits[state.ll]!)
    state.ml = ml.bases[state.ml]! + bits.take(ml.bits[state.ml]!)
    state.of = of.bases[state.of]! + bits.take(of.bits[state.of]!)
  }
  if (bits.left !== 0) fail('sequences that do not end where their bits do')
  out.append(literals.subarray(from))
}

// offsetOf returns the offset that a value stands for, and keeps the last three (section 3.1.1.5).
function offsetOf(value: number, literals: number, repeat: Tables['repeat']): number {
  if (value > 3) {
    repeat.unshift(value - 3)
    repeat.length = 3
    return repeat[0]
  }
  const i = literals > 0 ? value - 1 : value
  const offset = i < 3 ? repeat[i as 0 | 1 | 2] : repeat[0] - 1
  if (offset <= 0) fail('an offset of nothing')
  if (i > 0) {
    repeat.splice(Math.min(i, 2), 1)
    repeat.unshift(offset)
  }
  return offset
}

// literalsOf decodes the literals of a block (section 3.1.1.3.1).
function literalsOf(b: Bytes, tables: Tables, most: number): { literals: Bytes, end: number } {
  const kind = need(b, 0) & 3
  const format = b[0]! >> 2 & 3
  if (kind < 2) {
    const width = format === 1 ? 2 : format === 3 ? 3 : 1
    need(b, width - 1)
    const head = b[0]! | (width > 1 ? b[1]! << 8 : 0) | (width > 2 ? b[2]! << 16 : 0)
    const size = head >> (width === 1 ? 3 : 4)
    if (size > most) fail('more literals than a block may have')
    if (kind === 1) return { literals: new Uint8Array(size).fill(need(b, width)), end: width + 1 }
    if (width + size > b.length) fail('cut off in literals')
    return { literals: b.subarray(width, width + size), end: width + size }
  }
  const width = format < 2 ? 3 : format + 2
  const bitsEach = format < 2 ? 10 : format === 2 ? 14 : 18
  need(b, width - 1)
  let head = 0
  for (let i = width - 1; i >= 0; i--) head = head * 256 + b[i]!
  const size = Math.floor(head / 16) % 2 ** bitsEach
  const packed = Math.floor(head / 2 ** (4 + bitsEach))
  const end = width + packed
  if (size > most || end > b.length) fail('literals that cannot be')
  let at = width
  if (kind === 2) {
    const read = huffmanOf(b.subarray(0, end), at)
    tables.huffman = read.huffman
    at = read.end
  }
  if (!tables.huffman) fail('literals without a table')
  const literals = new Uint8Array(size)
  decodeStreams(b.subarray(at, end), literals, tables.huffman, format === 0 ? 1 : 4)
  return { literals, end }
}

function decodeStreams(b: Bytes, into: Bytes, huffman: Huffman, streams: 1 | 4): void {
  if (streams === 1) return huffman.decode(b, into)
  if (b.length < 6) fail('cut off in literals')
  const each = into.length + 3 >> 2
  if (3 * each > into.length) fail('literals that cannot be')
  let at = 6
  for (let i = 0; i < 4; i++) {
    const end = i < 3 ? at + (b[2 * i]! | b[2 * i + 1]! << 8) : b.length
    if (end > b.length) fail('cut off in literals')
    huffman.decode(b.subarray(at, end), into.subarray(i * each, i < 3 ? (i + 1) * each : into.length))
    at = end
  }
}

// sequenceTable reads or repeats one of the three tables of a block's sequences.
function sequenceTable(b: Bytes, at: number, mode: number, code: SequenceCode, last: Fse | undefined): { fse: Fse, end: number } {
  if (mode === 0) return { fse: code.fse, end: at }
  if (mode === 1) {
    const symbol = need(b, at)
    if (symbol > code.most) fail('a symbol that there is not')
    return { fse: { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) }, end: at + 1 }
  }
  if (mode === 2) return fseOf(b, at, code.maxLog, code.most)
  if (!last) fail('a table that repeats none')
  return { fse: last, end: at }
}

// What the codes of sequences stand for (section 3.1.1.3.2.1.1): so many bits more, above a base.
const literalBits = [...Array<number>(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
const matchBits = [...Array<number>(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
const literalBase = bases(literalBits, 0)
const matchBase = bases(matchBits, 3)

function bases(bits: number[], first: number): number[] {
  let base = first
  return bits.map(n => {
    base += 2 ** n
    return base - 2 ** n
  })
}

// SequenceCode is how one of the three numbers of a sequence is coded: the table where a block brings none (section 3.1.1.3.2.2),
// how large another may be, and the highest symbol.
interface SequenceCode { fse: Fse, maxLog: number, most: number }

const sequenceCodes: SequenceCode[] = [
  {
    fse: spread([4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1], 6),
    maxLog: 9, most: 35,
  },
  {
    fse: spread([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
    maxLog: 8, most: 31,
  },
  {
    fse: spread([
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, -1, -1, -1, -1, -1, -1, -1,
    ], 6),
    maxLog: 9, most: 52,
  },
]
