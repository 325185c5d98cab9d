import { describe, expect, test } from 'vitest'
import { type Bytes, bytesOf } from './bytes'
import { isUsable, verifierOf, verifyHere } from './ed25519'
import { unhex, vectors } from './vectors'

interface Signature { about: string, author: string, usable: boolean, message: string, signature: string, verifies: boolean }
const file = vectors<{ keys: { author: string, usable: boolean, why?: string }[], signatures: Signature[] }>('keys')

test('keys.json: which keys are authors', () => {
  for (const key of file.keys) expect(isUsable(unhex(key.author)), key.author).toBe(key.usable)
})

describe('keys.json: which signatures hold', () => {
  for (const v of file.signatures) {
    // A key that is not usable is refused whatever its signature says.
    const holds = v.usable && v.verifies
    test(v.about, async () => {
      const asked = [unhex(v.author), unhex(v.message), unhex(v.signature)] as const
      expect(verifyHere(...asked)).toBe(holds)
      expect(await (await verifierOf(crypto.subtle)).verify(...asked)).toBe(holds)
    })
  }
})

test('where WebCrypto is not there, has no Ed25519, or is wrong, it is not used', async () => {
  const subtle = (verify: SubtleCrypto['verify'], importKey: SubtleCrypto['importKey'] = async () => ({}) as CryptoKey) =>
    ({ importKey, verify }) as unknown as SubtleCrypto
  const good = crypto.subtle
  expect(await verifierOf(undefined)).toMatchObject({ by: 'noble', why: 'insecure' })
  expect(await verifierOf(subtle(async () => true))).toMatchObject({ by: 'noble', why: 'differs' })
  expect(await verifierOf(subtle(async () => false))).toMatchObject({ by: 'noble', why: 'differs' })
  expect(await verifierOf(subtle(async () => true, async () => { throw new DOMException('', 'NotSupportedError') }))).toMatchObject({ by: 'noble', why: 'unsupported' })
  expect(await verifierOf(good)).toMatchObject({ by: 'webcrypto', why: 'secure' })
})

test('a no of WebCrypto is asked again here', async () => {
  const v = file.signatures.find(s => s.about.includes('test 3'))!
  let asked = 0
  const strict = {
    importKey: crypto.subtle.importKey.bind(crypto.subtle),
    verify: async (...args: Parameters<SubtleCrypto['verify']>) => ++asked <= 4 ? await crypto.subtle.verify(...args) : false,
  } as unknown as SubtleCrypto
  const verifier = await verifierOf(strict)
  expect(verifier.by).toBe('webcrypto')
  expect(await verifier.verify(unhex(v.author), unhex(v.message), unhex(v.signature))).toBe(true)
  expect(asked).toBe(5)
})

test('no changed bit of a signature, a message or a key verifies', () => {
  const v = file.signatures.find(s => s.about.includes('test 3'))!
  const parts: [Bytes, Bytes, Bytes] = [unhex(v.author), unhex(v.message), unhex(v.signature)]
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      part[i]! ^= 1 << i % 8
      expect(verifyHere(...parts)).toBe(false)
      part[i]! ^= 1 << i % 8
    }
  }
  expect(verifyHere(...parts)).toBe(true)
  expect(verifyHere(parts[0], bytesOf(''), parts[2])).toBe(false)
})
