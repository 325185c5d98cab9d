import { type Contents, family, inspect, NotBundle, TooMuch } from './bundle'
import { bytesOf, equal } from './bytes'
import { type Verifier, verifierOf } from './ed25519'
import { maxFile, maxProof } from './limits'
import { parseProof, type Proof, type Verdict, verifyProof } from './proof'
import { Malformed, OtherVersion } from './shape'
import { Sighting } from './sighting'

// Outcome is what a file turned out to be.
export type Outcome =
  | { what: 'proof', proof: Proof, verdict: Verdict }
  | { what: 'bundle', contents: Contents, sighting: Sighting, by: Verifier }
  | { what: 'refused', as: 'proof' | 'bundle' | 'neither', reason: string } // it cannot be read as what it says it is
  | { what: 'large' } // it is more than a page takes on
  | { what: 'unreadable' } // the browser could not read it, or it changed meanwhile
  | { what: 'stopped' }

// Progress is how far a bundle has been read.
export interface Progress { read: number, size: number, ops: number, entries: number }

class Stopped extends Error {}

let asked: Promise<Verifier> | undefined

// verifier returns what signatures are checked with in this browser.
export function verifier(): Promise<Verifier> {
  // By plain http from another machine there is no subtle, whatever the types say.
  return asked ??= verifierOf((globalThis.crypto as Crypto | undefined)?.subtle)
}

// check finds out whether a file is a bundle or a proof, and checks it. It lets the page do its own work meanwhile, tells how
// far it is, and ends when signal says so.
export async function check(file: Blob, told: (p: Progress) => void, signal: AbortSignal): Promise<Outcome> {
  const read = async (from: number, upto: number) => new Uint8Array(await file.slice(from, upto).arrayBuffer())
  let as: 'proof' | 'bundle' | 'neither' = 'neither'
  try {
    const by = await verifier()
    const begin = await read(0, 64)
    if (equal(begin.subarray(0, family.length), bytesOf(family))) {
      as = 'bundle'
      if (file.size > maxFile) return { what: 'large' }
      const sighting = new Sighting()
      const breathe = breather(told, file.size, signal)
      const contents = await inspect({ size: file.size, read }, by, { breathe, verified: ops => sighting.see(ops) })
      return { what: 'bundle', contents, sighting, by }
    }
    if (!/^(?:\u00ef\u00bb\u00bf)?[ \t\r\n]*\{/.test(String.fromCharCode(...begin))) return { what: 'refused', as, reason: '' }
    as = 'proof'
    if (file.size > maxProof) return { what: 'large' }
    const proof = parseProof(await read(0, file.size))
    return { what: 'proof', proof, verdict: await verifyProof(proof, by) }
  } catch (err) {
    if (err instanceof Stopped) return { what: 'stopped' }
    if (err instanceof TooMuch) return { what: 'large' }
    if (err instanceof NotBundle || err instanceof Malformed || err instanceof OtherVersion) return { what: 'refused', as, reason: err.message }
    if (err instanceof DOMException || err instanceof RangeError) return { what: 'unreadable' } // gone, changed, or no memory for it
    throw err
  }
}

// longest is how long the page is kept from its own work, about, in milliseconds.
const longest = 12

// breather returns what hands the page back to the browser now and then.
function breather(told: (p: Progress) => void, size: number, signal: AbortSignal): (so: Contents) => Promise<void> {
  let since = performance.now()
  let shown = 0
  return async so => {
    if (signal.aborted) throw new Stopped()
    if (performance.now() - since < longest) return
    if (since - shown > 100) {
      told({ read: so.read, size, ops: so.ops, entries: so.entries })
      shown = since
    }
    await turn()
    since = performance.now()
  }
}

// turn waits until the browser has done what is due. A timer would be slowed down where the page is not in front.
function turn(): Promise<void> {
  return new Promise(done => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      done()
    }
    port2.postMessage(null)
  })
}
