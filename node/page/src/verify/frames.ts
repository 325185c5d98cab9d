import { type Bytes, compare, equal, hex, isZero } from './bytes'
import { maxHeads, maxLeave, maxRatio, maxRunOps, maxSeq, maxSingleOp, maxVectorAuthors } from './limits'
import { nameOf, type Op, parseOp, parseSigned, type Signed } from './op'
import { Malformed, OtherVersion } from './shape'
import { unpackZstd } from './zstd'

// The frames of docs/PROTOCOL.md, section 12, that a bundle is made of. Those of other kinds do not belong in one; only
// how long they may be is known of them, so that they can be passed over.

export const headerSize = 5
export const kindHead = 128
export const kindEnd = 129
const kindVector = 7
const kindOps = 10
const kindPacked = 16

// maxBody is the most bytes that the body of a frame of each kind may have; there is no other kind.
const maxBody = new Map([
  [1, 45_200], [2, 262_148], [3, 36], [4, 4], [5, 8_710], [6, 75_527], [kindVector, 262_144], [8, 166_402], [9, 6_146], [kindOps, 1_082_410],
  [11, 45], [12, 75_778], [13, 166_402], [14, 0], [15, 257], [kindPacked, 1_082_415], [17, 1_064_961], [18, 33], [19, 12], [20, 4],
  [21, 413_702], [22, 18], [23, 40],
])

// Head is the end of a branch: the seq after it, and the id of its last op.
export interface Head { next: number, id: Bytes }

// Vector is a part of a frontier, by author in hex.
export interface Vector { kind: 'vector', round: number, heads: Map<string, Head[]> }

// Ops is a run of one author. Where newer is there, what follows is of a format version that is not known here.
export interface Ops { kind: 'ops', author: Bytes, leave?: Signed, newer?: OtherVersion, ops: Op[] }

// sizeOf returns how long the frame is that begins with header, with what it begins with. It throws Malformed where it may not
// be that long, so that nobody can say where the next one begins.
export function sizeOf(header: Bytes): number {
  const { announced, kind } = readHeader(header)
  const most = maxBody.get(kind) ?? 0
  if (announced > most) throw new Malformed(`a frame of kind ${kind} of ${announced} bytes, at most ${most} are allowed`)
  return headerSize + announced
}

export function readHeader(header: Bytes): { announced: number, kind: number } {
  return { announced: new DataView(header.buffer, header.byteOffset, 4).getUint32(0), kind: header[4]! }
}

// parseFrame reads a whole frame, which may be packed. It throws Malformed, also for one that does not belong in a bundle.
export function parseFrame(frame: Bytes): Vector | Ops {
  let kind = frame[4]!
  let body = frame.subarray(headerSize)
  if (kind === kindPacked) ({ kind, body } = unpack(body))
  const r = new Reader(body)
  const message = kind === kindVector ? vector(r) : kind === kindOps ? ops(r) : undefined
  if (!message) throw new Malformed(`a frame of kind ${kind}, which does not belong in a bundle`)
  r.end()
  return message
}

function unpack(body: Bytes): { kind: number, body: Bytes } {
  const r = new Reader(body)
  const kind = r.number(1)
  const size = r.number(4)
  if (kind === kindPacked) throw new Malformed('a packed frame in a packed frame')
  if (size > (maxBody.get(kind) ?? 0) || size <= body.length || size > maxRatio * body.length) {
    throw new Malformed(`a frame of kind ${kind} of ${size} bytes packed into ${body.length}`)
  }
  return { kind, body: unpackZstd(r.rest(), size) }
}

function vector(r: Reader): Vector {
  const round = r.number(4)
  r.boolean()
  const after = r.bytes(32)
  const upto = r.bytes(32)
  if (compare(after, upto) >= 0) throw new Malformed('a range that no author is in')
  const heads = new Map<string, Head[]>()
  let last = after
  for (let n = r.count(2, 32 + 2 + 40, maxVectorAuthors); n > 0; n--) {
    const author = r.bytes(32)
    if (compare(last, author) >= 0 || compare(author, upto) > 0) throw new Malformed('an author that is out of order')
    heads.set(hex(author), headsOf(r))
    last = author
  }
  return { kind: 'vector', round, heads }
}

function headsOf(r: Reader): Head[] {
  const heads: Head[] = []
  const n = r.count(2, 40, maxHeads)
  if (n === 0) throw new Malformed('an author without heads')
  for (let i = 0; i < n; i++) {
    const next = r.big()
    const id = r.bytes(32)
    if (next === 0n || next >= maxSeq || isZero(id)) throw new Malformed('a head that is none')
    const head = { next: Number(next), id }
    const last = heads[i - 1]
    if (last && (last.next - head.next || compare(last.id, id)) >= 0) throw new Malformed('heads are not strictly ascending')
    heads.push(head)
  }
  return heads
}

function ops(r: Reader): Ops {
  const run: Ops = { kind: 'ops', author: r.bytes(32), ops: [] }
  r.number(4) // what it answers
  r.number(2) // hops
  const leave = r.bytes(r.atMost(r.number(2), maxLeave))
  if (leave.length > 0) {
    unlessNewer(run, () => {
      run.leave = parseSigned(leave)
      if (!equal(run.leave.author, run.author)) throw new Malformed('a leave of another author')
    })
  }
  const n = r.count(2, 4, maxRunOps)
  if (n === 0) throw new Malformed('a run without ops')
  for (let i = 0; i < n; i++) {
    const b = r.bytes(r.atMost(r.number(4), maxSingleOp))
    if (run.newer) continue // What follows what cannot be read cannot be placed.
    unlessNewer(run, () => {
      const op = parseOp(b)
      if (!equal(op.author, run.author)) throw new Malformed(`${nameOf(op)} in a run of another author`)
      run.ops.push(op)
    })
  }
  return run
}

// unlessNewer reads something, and notes where it is of another format version.
function unlessNewer(run: Ops, read: () => void): void {
  try {
    read()
  } catch (err) {
    if (!(err instanceof OtherVersion)) throw err
    run.newer = err
  }
}

// Reader takes a body apart: numbers of fixed width, the highest byte first.
class Reader {
  #at = 0
  readonly #b: Bytes

  constructor(b: Bytes) {
    this.#b = b
  }

  bytes(n: number): Bytes {
    if (n > this.#b.length - this.#at) throw new Malformed(`cut off: ${n} more bytes expected, ${this.#b.length - this.#at} left`)
    this.#at += n
    return this.#b.subarray(this.#at - n, this.#at)
  }

  number(width: 1 | 2 | 4): number {
    return this.bytes(width).reduce((n, byte) => n * 256 + byte, 0)
  }

  big(): bigint {
    const b = this.bytes(8)
    return new DataView(b.buffer, b.byteOffset, 8).getBigUint64(0)
  }

  boolean(): void {
    const n = this.number(1)
    if (n > 1) throw new Malformed(`${n} is neither true nor false`)
  }

  // count takes the length of a list whose elements have at least size bytes each.
  count(width: 2, size: number, most: number): number {
    const n = this.atMost(this.number(width), most)
    if (n * size > this.#b.length - this.#at) throw new Malformed(`${n} elements in ${this.#b.length - this.#at} bytes`)
    return n
  }

  atMost(n: number, most: number): number {
    if (n > most) throw new Malformed(`${n}: expected at most ${most}`)
    return n
  }

  rest(): Bytes {
    return this.bytes(this.#b.length - this.#at)
  }

  end(): void {
    if (this.#at < this.#b.length) throw new Malformed(`${this.#b.length - this.#at} bytes follow the message`)
  }
}
