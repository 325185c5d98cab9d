// Bytes and their texts. What cannot be read is undefined, so that whoever calls says what it was to be.

export type Bytes = Uint8Array<ArrayBuffer>

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function bytesOf(text: string): Bytes {
  return encoder.encode(text)
}

// utf8 returns the text that b is in UTF-8, with a byte order mark if it has one.
export function utf8(b: Bytes): string | undefined {
  try {
    return decoder.decode(b)
  } catch {
    return undefined
  }
}

export function hex(b: Bytes): string {
  let text = ''
  for (const byte of b) text += (byte < 16 ? '0' : '') + byte.toString(16)
  return text
}

// fromHex reads lower-case digits, as many as make size bytes, or any even number of them.
export function fromHex(text: string, size = text.length / 2): Bytes | undefined {
  if (text.length !== 2 * size || !/^[0-9a-f]*$/.test(text)) return undefined
  const b = new Uint8Array(size)
  for (let i = 0; i < size; i++) b[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return b
}

// fromBase64 reads base64 with padding (RFC 4648, section 4). Line breaks and bits that stand for nothing are let pass, as
// the programs that write proofs read them.
export function fromBase64(text: string): Bytes | undefined {
  const digits = text.replace(/[\r\n]/g, '')
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return undefined
  const raw = atob(digits)
  const b = new Uint8Array(raw.length)
  for (let i = 0; i < raw.length; i++) b[i] = raw.charCodeAt(i)
  return b
}

export function equal(a: Bytes, b: Bytes): boolean {
  return compare(a, b) === 0
}

// compare orders bytes as text: the first that differs decides, and of two that differ in length alone the shorter is less.
export function compare(a: Bytes, b: Bytes): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const d = a[i]! - b[i]!
    if (d !== 0) return d
  }
  return a.length - b.length
}

export function concat(...parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    all.set(p, at)
    at += p.length
  }
  return all
}

export function isZero(b: Bytes): boolean {
  return b.every((byte) => byte === 0)
}
