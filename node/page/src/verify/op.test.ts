import { describe, expect, test } from 'vitest'
import { hex } from './bytes'
import { checkLog, Refused } from './chain'
import { verifierOf } from './ed25519'
import { clockText, entryJson } from './form'
import { logOf } from './genesis'
import { leafHash } from './merkle'
import { isTrimmed, parseEntry, parseOp, signatureOf, signedMessage } from './op'
import { verifyRun } from './run'
import { Malformed, OtherVersion } from './shape'
import { unhex, vectors } from './vectors'

interface OpVector {
  about: string, op: string, signed: string, signature: string, id: string, trimmed: boolean,
  header: { log: string, author: string, first: number, count: number, prev: string, root: string, clock: string, retention: number, floor: number },
  entries: { encoded: string, leaf: string, time: string, headers: [string, string][], payload: string, json: string }[] | null
}
const verifier = await verifierOf(crypto.subtle)

describe('ops.json', () => {
  for (const v of vectors<{ ops: OpVector[] }>('ops').ops) {
    test(v.about, async () => {
      const op = parseOp(unhex(v.op))
      expect(hex(op.id)).toBe(v.id)
      expect(isTrimmed(op)).toBe(v.trimmed)
      expect(hex(signedMessage(op))).toBe(v.signed)
      expect(hex(signatureOf(op))).toBe(v.signature)
      expect({
        log: hex(op.log), author: hex(op.author), first: op.first, count: op.count, prev: hex(op.prev), root: hex(op.root),
        clock: clockText(op.clock), retention: op.retention === 'trimmable' ? 1 : 0, floor: op.floor,
      }).toEqual(v.header)
      const entries = v.entries ?? []
      expect(op.entries.map(hex)).toEqual(entries.map(e => e.encoded))
      expect(op.entries.map(e => hex(leafHash(e)))).toEqual(entries.map(e => e.leaf))
      expect(await verifyRun([op], undefined, op.log, verifier)).toEqual({ ops: 1 })
      entries.forEach((e, i) => {
        const event = parseEntry(unhex(e.encoded), op.retention)
        expect({ time: String(event.time), headers: event.headers, payload: hex(event.payload) }).toEqual({ time: e.time, headers: e.headers ?? [], payload: e.payload })
        expect(entryJson(op, op.first + i, event)).toBe(e.json)
      })
    })
  }
})

describe('refused.json', () => {
  const file = vectors<{ log: string, valid: string, refused: { about: string, by: string, bytes: string }[] }>('refused')
  test('what they were made from', async () => {
    expect(await verifyRun([parseOp(unhex(file.valid))], undefined, unhex(file.log), verifier)).toEqual({ ops: 1 })
  })
  for (const v of file.refused) {
    test(v.about, async () => {
      expect(await refusal(v.bytes, file.log)).toBe(v.by)
    })
  }
})

// refusal says by which check an op falls.
async function refusal(digits: string, log: string): Promise<string> {
  let op
  try {
    op = parseOp(unhex(digits))
  } catch (err) {
    if (err instanceof OtherVersion) return 'version'
    if (err instanceof Malformed) return 'form'
    throw err
  }
  try {
    checkLog(op, unhex(log))
  } catch (err) {
    if (err instanceof Refused) return 'log'
    throw err
  }
  const { ops, problem } = await verifyRun([op], undefined, unhex(log), verifier)
  if (ops === 1) return 'nothing'
  return problem!.includes('key') ? 'key' : problem!.includes('body') ? 'root' : 'signature'
}

describe('genesis.json', () => {
  const file = vectors<{ valid: { genesis: string, log: string }[], refused: { about: string, by: string, bytes: string }[] }>('genesis')
  test('log ids', () => {
    for (const v of file.valid) expect(hex(logOf(unhex(v.genesis)))).toBe(v.log)
  })
  for (const v of file.refused) {
    test(v.about, () => {
      expect(() => logOf(unhex(v.bytes))).toThrow(v.by === 'version' ? OtherVersion : Malformed)
    })
  }
})

interface Story { name: string, ops: Record<string, string>, steps: { run: string[], outcome: string }[] }

// A story tells of placing, too, which takes a log; only what a run says by itself is held against it here.
describe('laws.json', () => {
  const file = vectors<{ log: string, stories: Story[] }>('laws')
  for (const story of file.stories) {
    test(story.name, async () => {
      for (const step of story.steps) {
        const run = step.run.map(name => parseOp(unhex(story.ops[name]!)))
        const got = await verifyRun(run, undefined, unhex(file.log), verifier)
        if (step.outcome === 'unsigned') expect(got.ops).toBe(0)
        else if (step.outcome.endsWith('the rest unsigned')) expect([got.ops > 0 && got.ops < run.length, got.problem]).toEqual([true, expect.any(String)])
        else if (step.outcome !== 'rejected') expect(got).toEqual({ ops: run.length })
      }
    })
  }
})
