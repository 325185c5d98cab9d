import { describe, expect, test } from 'vitest'
import { bytesOf } from './bytes'
import { verifierOf } from './ed25519'
import { parseProof, verifyProof } from './proof'
import { Malformed, OtherVersion } from './shape'
import { vectors } from './vectors'

const file = vectors<{ entries: { about: string, proof: Record<string, unknown>, holds: boolean }[] }>('proofs')
const good = file.entries[0]!.proof
const verifiers = [await verifierOf(crypto.subtle), await verifierOf(undefined)]

describe('proofs.json', () => {
  for (const v of file.entries) {
    test(v.about, async () => {
      for (const verifier of verifiers) {
        const verdict = await verifyProof(parseProof(bytesOf(JSON.stringify(v.proof))), verifier)
        expect(verdict.failed === undefined).toBe(v.holds)
        expect(verdict.event !== undefined).toBe(v.holds)
        if (v.holds) expect(verdict.checks.map(c => c.step)).toEqual(['entry', 'leaf', 'path', 'op', 'chain', 'key', 'signature'])
      }
    })
  }
})

test('by whom the signature was checked is said', async () => {
  const proof = parseProof(bytesOf(JSON.stringify(good)))
  const [secure, plain] = await Promise.all(verifiers.map(v => verifyProof(proof, v)))
  expect(secure!.checks.at(-1)).toMatchObject({ by: 'webcrypto', why: 'secure' })
  expect(plain!.checks.at(-1)).toMatchObject({ by: 'noble', why: 'insecure' })
})

describe('what is no proof', () => {
  const refused = (text: string, err: new (...args: never[]) => Error = Malformed) => expect(() => parseProof(bytesOf(text))).toThrow(err)
  const text = JSON.stringify(good)
  test('another form', () => {
    refused('')
    refused('[]')
    refused(text + '1')
    refused(text.replace('"index":', '"index":0,"index":'))
    refused(text.replace('"index":', '"indx":'))
    refused(text.replace('{', '{"more":1,'))
    refused(text.replace('"version":1', '"version":2'), OtherVersion)
    refused(text.replace('"version":1', '"version":1.0'))
    refused(text.replace(/"index":\d+/, '"index":-1'))
    refused(text.replace(/"place":"(.)/, '"place":"f'))
    for (const name of Object.keys(good)) refused(JSON.stringify({ ...good, [name]: undefined }))
    for (const name of Object.keys(good)) refused(JSON.stringify({ ...good, [name]: { a: 1 } }))
  })
  test('a byte order mark and white space are no fault', () => {
    expect(parseProof(bytesOf('\ufeff' + JSON.stringify(good, null, 2))).seq).toBe(3)
  })
  test('thirteen hashes', () => refused(JSON.stringify({ ...good, path: Array(13).fill('00'.repeat(32)) })))
})
