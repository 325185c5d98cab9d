import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, bytesOf, compare, hex, isZero } from './bytes'
import {
  maxClock, maxContentType, maxHeaders, maxKind, maxModule, maxOp, maxOpEntries, maxPayload, maxSeq, maxSingleOp, maxSubject,
} from './limits'
import { Malformed, Shape } from './shape'

export type Retention = 'persistent' | 'trimmable'

// Header is the signed part of an op. Its arrays share memory with what it was read from.
export interface Header {
  log: Bytes
  author: Bytes
  first: number // seq of the first entry
  count: number // entries
  prev: Bytes // id of the author's op before; zeros in the first
  root: Bytes // Merkle root over the encoded entries (RFC 6962)
  clock: bigint
  retention: Retention
  floor: number // the author's leave to forget all below it
}

// Signed is a header with its signature: all of an op that its id covers.
export interface Signed extends Header {
  id: Bytes
  raw: Bytes // header ‖ signature
}

// Op is a signed header and the encoded entries, of which there are none where the body was trimmed.
export interface Op extends Signed {
  size: number // bytes of all of it
  entries: Bytes[]
}

// Event is an entry taken apart.
export interface Event {
  time: bigint // ns since 1970
  kind: string
  module: string
  subject: string
  contentType: string
  headers: [name: string, value: string][]
  payload: Bytes
}

const signatureSize = 64
const context = bytesOf('quipu/op/v1\0')

export function next(h: Header): number {
  return h.first + h.count
}

export function isTrimmed(op: Op): boolean {
  return op.size === op.raw.length
}

export function signatureOf(s: Signed): Bytes {
  return s.raw.subarray(s.raw.length - signatureSize)
}

// signedMessage returns what the signature is over.
export function signedMessage(s: Signed): Bytes {
  const message = new Uint8Array(context.length + s.raw.length - signatureSize)
  message.set(context)
  message.set(s.raw.subarray(0, s.raw.length - signatureSize), context.length)
  return message
}

// nameOf returns what an op is called in messages: the first digits of its author, and the seq that it begins with.
export function nameOf(h: Header): string {
  return `op ${hex(h.author.subarray(0, 4))}/${h.first}`
}

// parseSigned reads a header and its signature from all of b. The signature is not checked.
export function parseSigned(b: Bytes): Signed {
  const { signed, rest } = cutSigned(b)
  if (rest.length > 0) throw new Malformed(`malformed: ${rest.length} bytes follow the signature`)
  return signed
}

// parseOp reads an op from all of b: its form, every limit and the number of entries. Neither the signature nor the root is
// checked.
export function parseOp(b: Bytes): Op {
  const { signed, rest } = cutSigned(b)
  const op: Op = { ...signed, size: b.length, entries: [] }
  checkSize(op, b.length)
  if (isTrimmed(op)) {
    if (op.retention !== 'trimmable') throw new Malformed(`malformed: a ${op.retention} op without its body`)
    return op
  }
  const s = new Shape(rest)
  for (let i = 0; i < op.count; i++) {
    const from = s.at
    takeEntry(s, op.retention)
    op.entries.push(rest.subarray(from, s.at))
  }
  s.end('last entry')
  return op
}

// parseEntry reads an encoded entry of an op with that retention from all of b.
export function parseEntry(b: Bytes, retention: Retention): Event {
  const s = new Shape(b)
  const event = takeEntry(s, retention)
  s.end('entry')
  return event
}

// timeOf returns the time of an encoded entry that parseOp has read.
export function timeOf(entry: Bytes): bigint {
  const s = new Shape(entry)
  s.tuple('entry', 7)
  return s.int('time')
}

// checkSize throws where an op with the header h cannot have so many bytes.
export function checkSize(h: Header, size: number): void {
  const most = h.count === 1 ? maxSingleOp : maxOp
  if (size > most) throw new Malformed(`malformed: op of ${h.count} entries has ${size} bytes, at most ${most} are allowed`)
}

function cutSigned(b: Bytes): { signed: Signed; rest: Bytes } {
  const s = new Shape(b)
  const header = takeHeader(s)
  s.next(signatureSize)
  const raw = b.subarray(0, s.at)
  return { signed: { ...header, id: sha256(raw) as Bytes, raw }, rest: b.subarray(s.at) }
}

function takeHeader(s: Shape): Header {
  s.version('op', 10)
  const log = s.bin('log', 16, 16)
  const author = s.bin('author', 32, 32)
  const first = Number(s.uint('first', maxSeq))
  const count = Number(s.uint('count', BigInt(maxOpEntries + 1)))
  if (count === 0 || BigInt(first) + BigInt(count) >= maxSeq) {
    s.fail(`first ${first}, count ${count}: expected 1 to ${maxOpEntries} entries that end below 2^53`)
  }
  const prev = s.bin('prev', 32, 32)
  if ((first === 0) !== isZero(prev)) s.fail(`prev is ${hex(prev)} at first ${first}: it is zero in the first op and in no other`)
  const root = s.bin('root', 32, 32)
  const clock = s.uint('clock', maxClock)
  const retention = s.uint('retention', 2n) === 0n ? 'persistent' : 'trimmable'
  const floor = Number(s.uint('floor', maxSeq))
  if (floor > first) s.fail(`floor ${floor} is above first ${first}`)
  return { log, author, first, count, prev, root, clock, retention, floor }
}

// takeEntry takes one entry of an op.
function takeEntry(s: Shape, retention: Retention): Event {
  s.tuple('entry', 7)
  const time = s.int('time')
  const kind = s.str('kind', 1, maxKind)
  if (retention !== 'persistent' && kind.startsWith('quipu.')) s.fail(`its kind is reserved, and it is ${retention}`)
  return {
    time, kind,
    module: s.str('module', 0, maxModule),
    subject: s.str('subject', 0, maxSubject),
    contentType: s.str('content type', 0, maxContentType),
    headers: takeHeaders(s),
    payload: s.bin('payload', 0, maxPayload),
  }
}

function takeHeaders(s: Shape): Event['headers'] {
  const n = s.array('headers', maxHeaders)
  const headers: Event['headers'] = []
  let size = 0
  let last: Bytes | undefined
  for (let i = 0; i < n; i++) {
    s.tuple('header', 2)
    const header: [string, string] = [s.str('header name', 1, maxHeaders), s.str('header value', 0, maxHeaders)]
    const name = bytesOf(header[0])
    if (last && compare(last, name) >= 0) s.fail('header names are not strictly ascending')
    size += name.length + bytesOf(header[1]).length
    if (size > maxHeaders) s.fail(`headers have more than ${maxHeaders} bytes together`)
    headers.push(header)
    last = name
  }
  return headers
}
