import { type Bytes, equal, fromBase64, fromHex, hex, utf8 } from './bytes'
import { checkLink, checkLog, Refused } from './chain'
import { isUsable, type Verifier } from './ed25519'
import { type Json, parseJson } from './json'
import { maxPath, maxProof, version } from './limits'
import { leafHash, type Step, walkPath } from './merkle'
import { checkSize, type Event, parseEntry, parseSigned, type Signed, signatureOf, signedMessage } from './op'
import { Malformed, OtherVersion } from './shape'

// Proof proves one entry to somebody who has nothing but its author's key and the log's id (docs/PROTOCOL.md, section 19):
//
//	entry ─ path ─▶ headers[0] ◀─ … ◀─ headers[n] anchor ◀─ the author's signature
export interface Proof {
  log: Bytes
  author: Bytes
  seq: number
  entry: Bytes
  index: number // of the entry within its op
  path: Bytes[]
  headers: [Signed, ...Signed[]] // from the entry's op up to its anchor
}

// Check is one step of checking a proof, in the order in which they are made. What follows one that fails is not made.
export type Check =
  | { step: 'entry', bytes: number }
  | { step: 'leaf', hash: Bytes }
  | { step: 'path', steps: Step[], root: Bytes, index: number, count: number }
  | { step: 'op', id: Bytes }
  | { step: 'chain', headers: number }
  | { step: 'key', author: Bytes }
  | { step: 'signature', by: Verifier['by'], why: Verifier['why'], signature: Bytes, message: number }
  | { step: 'shown' } // for whoever asked a node: it shows the same

// Verdict is what became of a proof: the steps that hold, and what is wrong with the next one if one does not. The entry is
// what was proven, and is there only where all hold.
export interface Verdict {
  checks: Check[]
  failed?: { step: Check['step'] | 'log', reason: string }
  event?: Event
}

const fields = ['version', 'log', 'place', 'index', 'entry', 'path', 'headers'] as const

// parseProof reads the JSON form of a proof, with a byte order mark or without, and checks nothing yet. It throws Malformed
// and OtherVersion. Each field stands there once, and no other.
export function parseProof(b: Bytes): Proof {
  if (b.length > maxProof) throw new Malformed(`${b.length} bytes, at most ${maxProof} are allowed`)
  const text = utf8(b)
  if (text === undefined) throw new Malformed('it is not UTF-8, which JSON must be')
  const form = membersOf(parse(text.replace(/^\ufeff/, '')))
  const log = fixed(form.log, 16, 'log')
  const got = whole(form.version, 'version')
  if (got !== BigInt(version)) throw new OtherVersion('entry proof', got)
  const path = list(form.path, 'path').map(hash => fixed(hash, 32, 'path'))
  if (path.length > maxPath) throw new Malformed(`path has ${path.length} hashes, at most ${maxPath} are allowed`)
  const [first, ...above] = list(form.headers, 'headers').map(header => parseSigned(base64(header, 'headers')))
  if (!first) throw new Malformed('it has no headers')
  const index = whole(form.index, 'index')
  const place = `${hex(first.author)}/${BigInt(first.first) + index}`
  if (textOf(form.place, 'place') !== place) throw new Malformed(`what is proven is ${place}, and it says another place`)
  return {
    log, path, author: first.author, seq: Number(BigInt(first.first) + index), entry: base64(form.entry, 'entry'),
    index: Number(index), headers: [first, ...above],
  }
}

// verifyProof checks a proof step by step. It says that the entry's author signed it for the log that the proof names;
// whether those are the author and the log that one means is for the caller to compare.
export async function verifyProof(p: Proof, verifier: Verifier): Promise<Verdict> {
  const checks: Check[] = []
  let step: Check['step'] = 'entry'
  try {
    const op = p.headers[0]
    const event = parseEntry(p.entry, op.retention)
    checkSize(op, op.raw.length + p.entry.length)
    checks.push({ step, bytes: p.entry.length })

    step = 'leaf'
    const leaf = leafHash(p.entry)
    checks.push({ step, hash: leaf })

    step = 'path'
    const { steps, fits } = walkPath(leaf, p.index, op.count, p.path)
    const root = steps[steps.length - 1]?.hash ?? leaf
    if (!fits || !equal(root, op.root)) throw new Refused(`entry ${p.index} of ${op.count} does not stand under the root ${hex(op.root)}`)
    checks.push({ step, steps, root, index: p.index, count: op.count })

    step = 'op'
    checkLog(op, p.log)
    checks.push({ step, id: op.id })

    step = 'chain'
    let anchor = op
    for (const header of p.headers.slice(1)) {
      checkLog(header, p.log)
      checkLink(anchor, header)
      anchor = header
    }
    checks.push({ step, headers: p.headers.length })

    step = 'key'
    if (!isUsable(p.author)) throw new Refused(`${hex(p.author)} is no key that an author may have`)
    checks.push({ step, author: p.author })

    step = 'signature'
    const message = signedMessage(anchor)
    const signature = signatureOf(anchor)
    if (!await verifier.verify(p.author, message, signature)) throw new Refused('the signature does not verify')
    checks.push({ step, by: verifier.by, why: verifier.why, signature, message: message.length })
    return { checks, event }
  } catch (err) {
    if (err instanceof Refused || err instanceof Malformed || err instanceof OtherVersion) return { checks, failed: { step, reason: err.message } }
    throw err
  }
}

function parse(text: string): Json {
  try {
    return parseJson(text)
  } catch (err) {
    throw new Malformed((err as Error).message)
  }
}

function membersOf(value: Json): Record<typeof fields[number], Json> {
  if (value.type !== 'object') throw new Malformed('expected a JSON object')
  const form: Partial<Record<string, Json>> = {}
  for (const { name, value: member } of value.members) {
    if (!(fields as readonly string[]).includes(name)) throw new Malformed('it has a field that a proof does not have')
    if (form[name]) throw new Malformed(`field ${name} stands there twice`)
    form[name] = member
  }
  for (const name of fields) if (!form[name]) throw new Malformed(`field ${name} is missing`)
  return form as Record<typeof fields[number], Json>
}

function textOf(value: Json, what: string): string {
  if (value.type !== 'text') throw new Malformed(`${what}: expected a text`)
  return value.text
}

function fixed(value: Json, size: number, what: string): Bytes {
  const b = fromHex(textOf(value, what), size)
  if (!b) throw new Malformed(`${what}: expected ${2 * size} digits of lower-case hex`)
  return b
}

function base64(value: Json, what: string): Bytes {
  const b = fromBase64(textOf(value, what))
  if (!b) throw new Malformed(`${what}: expected base64`)
  return b
}

// list reads an array. What has no elements may stand there as null: that is what a program makes of none that does not tell
// the two apart.
function list(value: Json, what: string): Json[] {
  if (value.type === 'word' && value.text === 'null') return []
  if (value.type !== 'array') throw new Malformed(`${what}: expected an array`)
  return value.items
}

function whole(value: Json, what: string): bigint {
  if (value.type !== 'number' || !/^[0-9]{1,20}$/.test(value.text)) throw new Malformed(`${what}: expected a whole number`)
  return BigInt(value.text)
}
