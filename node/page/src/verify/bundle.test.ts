import { describe, expect, test } from 'vitest'
import { type Bytes, hex } from './bytes'
import { type Contents, inspect, isOK, NotBundle, type Source, TooMuch } from './bundle'
import { verifierOf } from './ed25519'
import { maxFile } from './limits'
import { unhex, vectors } from './vectors'

interface BundleVector { about: string, bundle: string, log: string, author: string, made: number, ops: number, entries: number, whole: boolean, places: string[] }

const file = vectors<{ bundles: BundleVector[] }>('bundle')
const verifier = await verifierOf(crypto.subtle)

function sourceOf(b: Bytes): Source {
  return { size: b.length, read: async (from, upto) => b.slice(from, upto) }
}

describe('bundle.json', () => {
  for (const v of file.bundles) {
    test(v.about, async () => {
      const c = await inspect(sourceOf(unhex(v.bundle)), verifier)
      expect({ log: hex(c.log), author: hex(c.author), made: c.made, ops: c.ops, entries: c.entries, whole: c.whole })
        .toEqual({ log: v.log, author: v.author, made: v.made, ops: v.ops, entries: v.entries, whole: v.whole })
      expect(isOK(c)).toBe(v.whole)
      expect(new Set(v.places.map(p => p.slice(0, 64)))).toEqual(new Set([...c.feeds.keys()].slice(0, v.places.length)))
    })
  }
})

test('what begins otherwise is no bundle', async () => {
  const b = unhex(file.bundles[0]!.bundle)
  for (let i = 0; i < 15; i++) {
    const changed = b.slice()
    changed[i]! ^= 1
    await expect(inspect(sourceOf(changed), verifier)).rejects.toThrow(NotBundle)
  }
  for (const n of [0, 3, 15, 40]) await expect(inspect(sourceOf(b.slice(0, n)), verifier)).rejects.toThrow(NotBundle)
})

test('what is too large is not begun', async () => {
  let read = 0
  const source = { size: maxFile + 1, read: async () => (read++, new Uint8Array(0)) }
  await expect(inspect(source, verifier)).rejects.toThrow(TooMuch)
  expect(read).toBe(0)
})

test('the page is let breathe between two frames, and between two ops', async () => {
  const reads: number[] = []
  let breaths = 0
  const b = unhex(file.bundles[2]!.bundle)
  const seen: string[] = []
  const c: Contents = await inspect(sourceOf(b), verifier, {
    breathe: async so => { breaths++; reads.push(so.read) },
    verified: ops => { for (const op of ops) seen.push(hex(op.id)) },
  })
  expect(breaths).toBeGreaterThanOrEqual(c.ops + 2 * c.feeds.size) // at each op, at the signature of each run and behind it
  expect(reads).toEqual([...reads].sort((x, y) => x - y))
  expect(seen.length).toBe(c.ops)
})

test('who has had enough in the middle of a run is heard', async () => {
  const b = unhex(file.bundles[2]!.bundle)
  class Enough extends Error {}
  for (let most = 0; most < 6; most++) {
    let breaths = 0
    let ops = 0
    const checked = inspect(sourceOf(b), verifier, {
      breathe: async () => { if (breaths++ === most) throw new Enough() },
      verified: some => { ops += some.length },
    })
    await expect(checked).rejects.toThrow(Enough)
    expect(breaths).toBe(most + 1)
    expect(ops).toBeLessThanOrEqual(most)
  }
})
