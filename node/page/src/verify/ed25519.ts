import { Point } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { type Bytes, concat, equal, fromHex, hex } from './bytes'

// Which keys are authors and which signatures hold is said by docs/PROTOCOL.md, section 4: the key is the canonical encoding of
// a point that is not of small order, S is below the group's order, and the encoding of [S]B − [k]A equals R byte for byte. That
// is the equation without the cofactor, and verify of @noble/ed25519 is the one with it; so only its points are used here.

const order = Point.CURVE().n
const prime = Point.CURVE().p

const known = new Map<string, boolean>()
const maxKnown = 1000

// isUsable is whether author is a key that may write: one of small order would let one signature hold for any message.
export function isUsable(author: Bytes): boolean {
  const name = hex(author)
  let usable = known.get(name)
  if (usable === undefined) {
    usable = point(author) !== undefined
    if (known.size >= maxKnown) known.clear()
    known.set(name, usable)
  }
  return usable
}

// point returns the point that a usable key encodes.
function point(author: Bytes): Point | undefined {
  try {
    const p = Point.fromBytes(author)
    return p.isSmallOrder() ? undefined : p
  } catch {
    return undefined // no point of the curve, or not its canonical encoding
  }
}

// verifyHere checks a signature by the arithmetic of @noble/ed25519 and the hash of @noble/hashes.
export function verifyHere(author: Bytes, message: Bytes, signature: Bytes): boolean {
  const a = point(author)
  if (!a || !isWellFormed(signature)) return false
  const r = signature.subarray(0, 32)
  const k = littleEndian(sha512(concat(r, author, message)) as Bytes) % order
  const s = littleEndian(signature.subarray(32))
  const sum = Point.BASE.multiply(s, false).subtract(a.multiply(k, false))
  return equal(sum.toBytes() as Bytes, r)
}

// isWellFormed is whether S is below the order, and R may be the canonical encoding of a point.
function isWellFormed(signature: Bytes): boolean {
  if (signature.length !== 64 || littleEndian(signature.subarray(32)) >= order) return false
  const y = signature.slice(0, 32)
  const negative = y[31]! >= 0x80
  y[31]! &= 0x7f
  const n = littleEndian(y)
  return n < prime && !(negative && (n === 1n || n === prime - 1n)) // where y is 1 or −1, x is 0 and has no sign
}

function littleEndian(b: Bytes): bigint {
  return BigInt('0x' + hex(b.slice().reverse()))
}

// Verifier checks signatures, and says by what.
export interface Verifier {
  // by is what is asked first. WebCrypto is the browser's own; it is there in a secure context alone (https, localhost or a
  // file). Why it is not asked: it is not there, it has no Ed25519, or it has answered a known signature otherwise than the
  // format demands.
  by: 'webcrypto' | 'noble'
  why: 'secure' | 'insecure' | 'unsupported' | 'differs'
  verify(author: Bytes, message: Bytes, signature: Bytes): Promise<boolean>
}

// verifierOf returns the verifier that subtle makes possible. A WebCrypto that says yes to what does not hold is not used. One
// that says no to what holds, as standards let it where R is of small order, does no harm: each no is asked again here.
export async function verifierOf(subtle: SubtleCrypto | undefined): Promise<Verifier> {
  const here = async (a: Bytes, m: Bytes, s: Bytes) => verifyHere(a, m, s)
  if (!subtle) return { by: 'noble', why: 'insecure', verify: here }
  try {
    for (const [author, message, signature, holds] of answers) {
      if ((await ask(subtle, bytes(author), bytes(message), bytes(signature))) !== holds) return { by: 'noble', why: 'differs', verify: here }
    }
  } catch {
    return { by: 'noble', why: 'unsupported', verify: here }
  }
  return {
    by: 'webcrypto', why: 'secure',
    verify: async (author, message, signature) => {
      if (!isUsable(author) || !isWellFormed(signature)) return false
      try {
        if (await ask(subtle, author, message, signature)) return true
      } catch {
        // A key that the browser does not take is asked for here.
      }
      return verifyHere(author, message, signature)
    },
  }
}

async function ask(subtle: SubtleCrypto, author: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  const key = await subtle.importKey('raw', author, 'Ed25519', false, ['verify'])
  return subtle.verify('Ed25519', key, signature, message)
}

function bytes(digits: string): Bytes {
  return fromHex(digits)!
}

// answers are what WebCrypto is asked before it is trusted: a signature that holds (RFC 8032, section 7.1, test 3), and of
// Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs", those that hold by the equation with the cofactor alone, or with
// an S that is not below the order.
const answers: [author: string, message: string, signature: string, holds: boolean][] = [
  ['fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'af82', '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a', true],
  ['cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d', 'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c', '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09', false],
  ['cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d', 'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c', '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405', false],
  ['442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623', '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40', 'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514', false],
]
