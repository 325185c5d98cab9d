import { readFileSync } from 'node:fs'
import { type Bytes, fromHex } from './bytes'

// What the tests read: the vectors of the protocol, and what the node's own program says of changed ones.

export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../../docs/vectors/${name}.json`, import.meta.url), 'utf8')) as T
}

export function unhex(text: string): Bytes {
  const b = fromHex(text)
  if (!b) throw new Error(`not hex: ${text}`)
  return b
}
