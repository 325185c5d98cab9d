import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, equal, fromHex, hex, utf8 } from './bytes'
import type { Verifier } from './ed25519'
import { type Head, headerSize, kindEnd, kindHead, type Ops, parseFrame, readHeader, sizeOf, type Vector } from './frames'
import { isGenesisOf } from './genesis'
import { maxFile, maxGenesis, maxHere } from './limits'
import { next, type Op } from './op'
import { verifyRun, verifySigned } from './run'
import { Malformed, OtherVersion } from './shape'

// Source is a file that is read piece by piece.
export interface Source { size: number, read(from: number, upto: number): Promise<Bytes> }

// Contents is what is in a bundle, verified as far as that can be done without a log, as quipu bundle show does.
export interface Contents {
  log: Bytes
  author: Bytes // whose node made it, by its own word
  made: number // by that node's clock, ms since 1970
  since: number // authors in the frontier since which it was made
  upto: number
  ops: number // that verify
  entries: number // in them
  feeds: Map<string, Feed> // by author, in hex
  whole: boolean // every byte is as it was written, from the first to the last
  damage?: { at: number, reason: string } // what is wrong first
  skipped: number // frames that could not be read
  read: number // bytes so far
}

// Feed is what a bundle has of one author.
export interface Feed {
  author: Bytes
  from: number // the lowest seq
  next: number // after the highest
  ops: number
  entries: number
  // loose is whether a run does not go on from the end of another one: it hangs in the middle of one, as branches do, or in
  // what is not in the bundle. Only a log can tell.
  loose: boolean
  problem?: string // what does not verify, or is promised and is not there
}

// Told is what whoever inspects a bundle is told meanwhile. Each call may take its time: the reading goes on behind it.
export interface Told {
  // verified is called with ops that hold, in the order of the bundle.
  verified?(ops: Op[]): void
  // breathe is called between two frames, and between two ops of a frame.
  breathe?(so: Contents): Promise<void>
}

// NotBundle says that a file does not begin like a bundle, or that its head cannot be read: nothing of it can be used.
export class NotBundle extends Error {}

// TooMuch says that a bundle is larger than one page takes on.
export class TooMuch extends Error {}

export const family = 'quipu bundle '
const magic = family + '1\n'
const headLeast = 16 + 32 + 8 + 2
const endSize = 8 + 8 + 32
const maxEnds = 64 // of the runs of a feed that are remembered

export function isOK(c: Contents): boolean {
  return c.whole && ![...c.feeds.values()].some(f => f.problem !== undefined)
}

// inspect reads a bundle to its end. What is wrong with it is in the contents; it throws NotBundle and TooMuch.
export async function inspect(source: Source, verifier: Verifier, told: Told = {}): Promise<Contents> {
  if (source.size > maxFile) throw new TooMuch(`it has ${source.size} bytes`)
  const file = new Reading(source)
  const contents = await readHead(file)
  const inspector = new Inspector(contents, verifier, told)
  for (;;) {
    const at = file.at
    try {
      const header = await file.peek(headerSize)
      if (readHeader(header).kind === kindEnd) {
        await readEnd(file, inspector)
        break
      }
      const frame = await file.take(sizeOf(header))
      try {
        await inspector.take(parseFrame(frame))
      } catch (err) {
        damage(contents, at, reasonOf(err))
        contents.skipped++
      }
    } catch (err) {
      // Where the next frame begins cannot be told.
      damage(contents, at, reasonOf(err))
      break
    }
    contents.read = file.at
    await told.breathe?.(contents)
  }
  contents.read = file.at
  inspector.findMissing()
  contents.feeds = new Map([...contents.feeds].sort(([a], [b]) => a < b ? -1 : 1))
  return contents
}

// reasonOf says what is wrong with bytes; what is no fault of theirs is thrown on.
function reasonOf(err: unknown): string {
  if (err instanceof Malformed || err instanceof OtherVersion) return err.message
  throw err
}

function damage(c: Contents, at: number, reason: string): void {
  c.damage ??= { at, reason }
}

// Reading reads a file from the front, and hashes what was taken.
class Reading {
  at = 0
  readonly sum = sha256.create()
  readonly #source: Source
  #piece: Bytes = new Uint8Array(0)
  #from = 0 // of the piece

  constructor(source: Source) {
    this.#source = source
  }

  // peek returns the next n bytes, or throws where there are not so many.
  async peek(n: number): Promise<Bytes> {
    if (n > this.#source.size - this.at) throw new Malformed('the bundle is cut off')
    if (this.at + n > this.#from + this.#piece.length) {
      const upto = Math.min(this.#source.size, this.at + Math.max(n, 1 << 20))
      this.#piece = await this.#source.read(this.at, upto)
      this.#from = this.at
      if (this.#piece.length !== upto - this.at) throw new Error('the file changed while it was read')
    }
    return this.#piece.subarray(this.at - this.#from, this.at - this.#from + n)
  }

  async take(n: number): Promise<Bytes> {
    const b = await this.peek(n)
    this.sum.update(b)
    this.at += n
    return b
  }

  isAtEnd(): boolean {
    return this.at === this.#source.size
  }
}

async function readHead(file: Reading): Promise<Contents> {
  const begin = utf8(await file.peek(magic.length).catch(() => new Uint8Array(0))) ?? ''
  if (begin !== magic) throw new NotBundle(begin.startsWith(family) ? 'it is a bundle of another version' : 'it does not begin like a bundle')
  await file.take(magic.length)
  try {
    const { announced, kind } = readHeader(await file.peek(headerSize))
    if (kind !== kindHead || announced < headLeast || announced > headLeast + maxGenesis) throw new Malformed('no head where the head should be')
    const body = (await file.take(headerSize + announced)).subarray(headerSize)
    const view = new DataView(body.buffer, body.byteOffset, body.length)
    const genesis = body.subarray(headLeast)
    if (view.getUint16(56) !== genesis.length) throw new Malformed('a genesis of another length than it says')
    const log = body.slice(0, 16)
    if (genesis.length > 0 && !isGenesisOf(genesis, log)) throw new Malformed(`its genesis is not that of log ${hex(log)}`)
    return {
      log, author: body.slice(16, 48), made: Number(view.getBigInt64(48)), since: 0, upto: 0, ops: 0, entries: 0, feeds: new Map(),
      whole: false, skipped: 0, read: file.at,
    }
  } catch (err) {
    throw new NotBundle(`its head cannot be read: ${reasonOf(err)}`)
  }
}

// readEnd reads the end and holds what came before against it.
async function readEnd(file: Reading, inspector: Inspector): Promise<void> {
  const c = inspector.contents
  const sum = file.sum.clone().digest() as Bytes
  const { announced } = readHeader(await file.peek(headerSize))
  if (announced !== endSize) throw new Malformed(`an end of ${announced} bytes, expected ${endSize}`)
  const at = file.at
  const body = (await file.take(headerSize + endSize)).subarray(headerSize)
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  if (view.getBigUint64(0) !== BigInt(inspector.came.ops) || view.getBigUint64(8) !== BigInt(inspector.came.entries)) {
    damage(c, at, 'it has not as many ops and entries as its end counts')
  } else if (!equal(body.subarray(16), sum)) {
    damage(c, at, 'the hash in the end is not that of what came before it: something of that was changed')
  } else if (!file.isAtEnd()) {
    damage(c, file.at, 'bytes follow the end')
  }
  c.whole = c.damage === undefined
}

// Inspected is a feed with what is remembered of it while the bundle is read.
interface Inspected extends Feed { ends: Head[], reached: Head[], floor: number }

// Inspector collects what a bundle has.
class Inspector {
  readonly contents: Contents
  readonly came = { ops: 0, entries: 0 } // whether they verify or not
  readonly #verifier: Verifier
  readonly #told: Told
  readonly #frontiers = [new Map<string, Head[]>(), new Map<string, Head[]>()] as const
  readonly #heads = [0, 0]
  readonly #feeds: Map<string, Inspected>

  constructor(contents: Contents, verifier: Verifier, told: Told) {
    this.contents = contents
    this.#verifier = verifier
    this.#told = told
    this.contents.feeds = this.#feeds = new Map()
  }

  async take(message: Vector | Ops): Promise<void> {
    if (message.kind === 'vector') this.#vector(message)
    else await this.#run(message)
  }

  #vector(v: Vector): void {
    const frontier = this.#frontiers[v.round as 0 | 1]
    if (!frontier) throw new Malformed(`a frontier in round ${v.round}`)
    for (const [author, heads] of v.heads) {
      this.#heads[v.round]! += heads.length
      if (this.#heads[v.round]! > maxHere) throw new TooMuch(`a frontier of more than ${maxHere} heads`)
      frontier.set(author, heads)
    }
    this.contents.since = this.#frontiers[0].size
    this.contents.upto = this.#frontiers[1].size
  }

  async #run(run: Ops): Promise<void> {
    this.came.ops += run.ops.length
    for (const op of run.ops) this.came.entries += op.count
    const feed = this.#feed(run.author)
    if (run.newer) feed.problem ??= run.newer.message
    if (run.ops.length === 0) return
    const authorised = await verifyRun(run.ops, run.leave, this.contents.log, this.#verifier, async () => this.#told.breathe?.(this.contents))
    let problem = authorised.problem
    if (run.leave && problem === undefined) {
      if (await verifySigned(run.leave, this.#verifier)) feed.floor = Math.max(feed.floor, run.leave.floor)
      else problem = 'the signature of its leave does not verify'
    }
    if (problem !== undefined) feed.problem ??= problem
    if (authorised.ops > 0) this.#add(feed, run.ops.slice(0, authorised.ops))
  }

  #feed(author: Bytes): Inspected {
    const name = hex(author)
    let feed = this.#feeds.get(name)
    if (!feed) {
      if (this.#feeds.size === maxHere) throw new TooMuch(`ops of more than ${maxHere} authors`)
      feed = { author: author.slice(), from: 0, next: 0, ops: 0, entries: 0, loose: false, ends: [], reached: [], floor: 0 }
      this.#feeds.set(name, feed)
    }
    return feed
  }

  // #add counts ops that hold.
  #add(feed: Inspected, ops: Op[]): void {
    const first = ops[0]!
    const last = ops[ops.length - 1]!
    const name = hex(feed.author)
    const before = { next: first.first, id: first.prev }
    if (first.first > feed.floor && !has(feed.ends, before) && !has(this.#frontiers[0].get(name), before)) feed.loose = true
    feed.ends.push(headOf(last))
    if (feed.ends.length > maxEnds) feed.ends.splice(0, maxEnds / 2)
    if (feed.ops === 0 || first.first < feed.from) feed.from = first.first
    feed.next = Math.max(feed.next, next(last))
    const promised = this.#frontiers[1].get(name)
    for (const op of ops) {
      const head = headOf(op)
      if (has(promised, head) && !has(feed.reached, head)) feed.reached.push(head)
      feed.ops++
      feed.entries += op.count
      this.contents.ops++
      this.contents.entries += op.count
    }
    this.#told.verified?.(ops)
  }

  // findMissing notes the feeds that end below what the bundle promises.
  findMissing(): void {
    const [since, upto] = this.#frontiers
    for (const [name, heads] of upto) {
      for (const head of heads) {
        if (has(since.get(name), head) || has(this.#feeds.get(name)?.reached, head)) continue
        const feed = this.#feeds.get(name) ?? this.#absent(name, since.get(name) ?? [])
        if (feed.next < head.next) feed.problem ??= `missing from seq ${feed.next} on, up to seq ${head.next}`
        else if (!feed.loose) feed.problem ??= `missing: a branch that ends at seq ${head.next}`
      }
    }
  }

  // #absent makes a feed of which nothing came.
  #absent(name: string, since: Head[]): Inspected {
    const feed = this.#feed(fromHex(name)!)
    feed.from = feed.next = since.reduce((n, h) => Math.max(n, h.next), 0)
    return feed
  }
}

function headOf(op: Op): Head {
  return { next: next(op), id: op.id.slice() }
}

function has(heads: Head[] | undefined, head: Head): boolean {
  return heads !== undefined && heads.some(h => h.next === head.next && equal(h.id, head.id))
}
