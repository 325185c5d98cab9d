import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bytes, bytesOf, fromBase64 } from './bytes'
import { inspect, NotBundle } from './bundle'
import { verifierOf } from './ed25519'
import { parseOp } from './op'
import { parseProof, verifyProof } from './proof'
import { verifyRun } from './run'
import { Malformed, OtherVersion } from './shape'
import { unhex } from './vectors'
import { unpackZstd } from './zstd'

// What the node's own program makes of changed bytes (verdicts_test.go): what it takes is taken here, and what it refuses is
// refused here.
interface Verdicts {
  flips: string // base64
  ops: { op: string, letters: string }[]
  proof: { json: string, letters: string }
  bundles: { bundle: string, summaries: string[], step: number, changed: string, cut: string }[]
  packed: { frame: string, size: number, sum: string, changed: string }[]
}

const file = JSON.parse(readFileSync(new URL('./testdata/verdicts.json', import.meta.url), 'utf8')) as Verdicts
const flips = fromBase64(file.flips)!
const verifier = await verifierOf(crypto.subtle)

// letters returns the verdict on b with each byte changed by each flip.
async function letters(b: Bytes, verdict: (b: Bytes) => Promise<string>): Promise<string> {
  let all = ''
  for (let i = 0; i < b.length; i++) {
    for (const flip of flips) {
      const changed = b.slice()
      changed[i]! ^= flip
      all += await verdict(changed)
    }
  }
  return all
}

describe('changed bytes of an op', () => {
  file.ops.forEach((v, i) => test(`op ${i}`, async () => {
    expect(await letters(unhex(v.op), async b => {
      try {
        const op = parseOp(b)
        return (await verifyRun([op], undefined, op.log, verifier)).ops === 1 ? 'o' : 'r'
      } catch (err) {
        if (err instanceof OtherVersion) return 'v'
        if (err instanceof Malformed) return 'f'
        throw err
      }
    })).toBe(v.letters)
    expect(v.letters).not.toContain('o')
  }))
})

test('changed bytes of a proof', async () => {
  const got = await letters(bytesOf(file.proof.json), async b => {
    try {
      return (await verifyProof(parseProof(b), verifier)).failed ? 'x' : 'o'
    } catch (err) {
      if (err instanceof Malformed || err instanceof OtherVersion) return 'x'
      throw err
    }
  })
  expect(got).toBe(file.proof.letters)
})

describe('changed bytes of a bundle', () => {
  file.bundles.forEach((v, i) => test(`bundle ${i}`, async () => {
    const b = unhex(v.bundle)
    const changes = v.changed.trimEnd().split(' ').map(Number)
    const cuts = v.cut.trimEnd().split(' ').map(Number)
    for (let i = 0; i < changes.length; i++) {
      const at = i * v.step
      const changed = b.slice()
      changed[at]! ^= 1 << at % 8
      expect(await summary(changed), `byte ${at} changed`).toBe(v.summaries[changes[i]!])
      expect(await summary(b.slice(0, at)), `cut off at ${at}`).toBe(v.summaries[cuts[i]!])
    }
    expect(v.summaries.some(s => s.includes('whole=true'))).toBe(false)
  }, 60_000))
})

async function summary(b: Bytes): Promise<string> {
  try {
    const c = await inspect({ size: b.length, read: async (from, upto) => b.slice(from, upto) }, verifier)
    let s = `whole=${c.whole} damaged=${c.damage !== undefined} skipped=${c.skipped} since=${c.since} upto=${c.upto} ops=${c.ops} entries=${c.entries}`
    for (const [author, f] of c.feeds) s += ` ${author}:${f.from}-${f.next},${f.ops},${f.entries},${f.loose},${f.problem !== undefined}`
    return s
  } catch (err) {
    if (err instanceof NotBundle) return 'not a bundle'
    throw err
  }
}

describe('zstd', () => {
  file.packed.forEach((v, i) => test(`frame ${i}`, () => {
    const frame = fromBase64(v.frame)!
    expect(sum(frame, v.size)).toBe(v.sum)
    const changes = v.changed.split(' ').slice(0, -1)
    expect(changes.map((_, at) => {
      const changed = frame.slice()
      changed[at]! ^= 1 << at % 8
      return sum(changed, v.size)
    })).toEqual(changes)
  }))
})

// sum returns the first digits of the hash of what a frame holds, or nothing where it is refused.
function sum(frame: Bytes, size: number): string {
  try {
    return createHash('sha256').update(unpackZstd(frame, size)).digest('hex').slice(0, 8)
  } catch (err) {
    if (err instanceof Malformed) return ''
    throw err
  }
}
