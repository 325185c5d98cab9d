import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, equal } from './bytes'

// The Merkle tree of RFC 6962, section 2.1: a leaf is SHA-256(00 ‖ entry), a node SHA-256(01 ‖ left ‖ right).

export function leafHash(entry: Bytes): Bytes {
  return sha256.create().update(Uint8Array.of(0)).update(entry).digest() as Bytes
}

export function nodeHash(left: Bytes, right: Bytes): Bytes {
  const node = new Uint8Array(65)
  node[0] = 1
  node.set(left, 1)
  node.set(right, 33)
  return sha256(node) as Bytes
}

// rootOf returns the root over leaves, of which there is at least one: neighbours are joined level by level, and an odd
// last one goes up as it is.
export function rootOf(leaves: Bytes[]): Bytes {
  let level = leaves
  while (level.length > 1) {
    const above: Bytes[] = []
    for (let i = 0; i + 1 < level.length; i += 2) above.push(nodeHash(level[i]!, level[i + 1]!))
    if (level.length % 2 === 1) above.push(level[level.length - 1]!)
    level = above
  }
  return level[0]!
}

// Step is one hash on the way from a leaf to the root.
export interface Step {
  sibling: Bytes
  side: 'left' | 'right' // where the sibling stands
  hash: Bytes // of both
}

// walkPath goes from leaf, number index of size, along path (RFC 9162, section 2.1.3.2). It returns the steps and whether
// the path has the length that index and size ask for; where the last step leads is for the caller to compare.
export function walkPath(leaf: Bytes, index: number, size: number, path: Bytes[]): { steps: Step[]; fits: boolean } {
  const steps: Step[] = []
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return { steps, fits: false }
  let at = index
  let last = size - 1
  let hash = leaf
  for (const sibling of path) {
    if (last === 0) return { steps, fits: false }
    const left = at % 2 === 1 || at === last
    if (left) {
      hash = nodeHash(sibling, hash)
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2)
        last = Math.floor(last / 2)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
    steps.push({ sibling, side: left ? 'left' : 'right', hash })
  }
  return { steps, fits: last === 0 }
}

// leadsTo is whether leaf, number index of size, stands under root by path.
export function leadsTo(root: Bytes, leaf: Bytes, index: number, size: number, path: Bytes[]): boolean {
  const { steps, fits } = walkPath(leaf, index, size, path)
  return fits && equal(steps[steps.length - 1]?.hash ?? leaf, root)
}
