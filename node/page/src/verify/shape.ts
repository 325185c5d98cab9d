import { type Bytes, utf8 } from './bytes'
import { version } from './limits'

// Malformed says why bytes are not of the one form that the format allows.
export class Malformed extends Error {}

// OtherVersion is thrown for bytes of a format version that this program does not know: nobody can say whether they hold.
export class OtherVersion extends Error {
  constructor(what: string, got: bigint) {
    super(`${what} of format version ${got}: this program knows version ${version}`)
  }
}

// Shape walks over msgpack bytes and takes only the one encoding of the one form that is asked for (docs/PROTOCOL.md,
// section 2): shortest headers, no map, float, nil or extension. It throws Malformed at the first fault.
export class Shape {
  at = 0
  readonly #b: Bytes
  readonly #view: DataView

  constructor(b: Bytes) {
    this.#b = b
    this.#view = new DataView(b.buffer, b.byteOffset, b.byteLength)
  }

  fail(text: string): never {
    throw new Malformed(`malformed at byte ${this.at}: ${text}`)
  }

  // next takes n bytes, which share memory with the input.
  next(n: number): Bytes {
    const left = this.#b.length - this.at
    if (n > left) this.fail(`cut off: ${n} more bytes expected, ${left} left`)
    this.at += n
    return this.#b.subarray(this.at - n, this.at)
  }

  #byte(): number {
    return this.next(1)[0]!
  }

  // #number takes a big-endian number of 1, 2, 4 or 8 bytes that is at least least, the first that fits no shorter form.
  #number(size: 1 | 2 | 4 | 8, least: bigint): bigint {
    const at = this.at
    this.next(size)
    const n = size === 8 ? this.#view.getBigUint64(at)
      : BigInt(size === 4 ? this.#view.getUint32(at) : size === 2 ? this.#view.getUint16(at) : this.#view.getUint8(at))
    if (n < least) this.fail(`${n} is not in its shortest form`)
    return n
  }

  #unsigned(what: string, head: number): bigint {
    if (head < 0x80) return BigInt(head)
    switch (head) {
      case 0xcc: return this.#number(1, 0x80n)
      case 0xcd: return this.#number(2, 0x100n)
      case 0xce: return this.#number(4, 0x10000n)
      case 0xcf: return this.#number(8, 0x100000000n)
    }
    return this.fail(`${what}: expected an unsigned integer, got type byte 0x${head.toString(16)}`)
  }

  // uint takes an unsigned integer below limit.
  uint(what: string, limit: bigint): bigint {
    const n = this.#unsigned(what, this.#byte())
    if (n >= limit) this.fail(`${what} ${n}: expected less than ${limit}`)
    return n
  }

  // int takes a signed integer of up to 64 bits: negative ones in their shortest signed form, others in their shortest
  // unsigned form.
  int(what: string): bigint {
    const head = this.#byte()
    if (head >= 0xe0) return BigInt(head - 0x100)
    const signed = (bits: number, positive: bigint, n: bigint) => {
      const least = -positive // the least number that fits a shorter form
      const value = BigInt.asIntN(bits, n)
      if (value >= least) this.fail(`${what} is not in its shortest form`)
      return value
    }
    switch (head) {
      case 0xd0: return signed(8, 32n, this.#number(1, 0n))
      case 0xd1: return signed(16, 0x80n, this.#number(2, 0n))
      case 0xd2: return signed(32, 0x8000n, this.#number(4, 0n))
      case 0xd3: return signed(64, 0x80000000n, this.#number(8, 0n))
    }
    const n = this.#unsigned(what, head)
    if (n >= 2n ** 63n) this.fail(`${what} does not fit 64 bits with a sign`)
    return n
  }

  // str takes a text of least to most bytes.
  str(what: string, least: number, most: number): string {
    const head = this.#byte()
    let n: number
    if (head >= 0xa0 && head < 0xc0) n = head - 0xa0
    else if (head === 0xd9) n = Number(this.#number(1, 32n))
    else if (head === 0xda) n = Number(this.#number(2, 0x100n))
    else return this.fail(`${what}: expected a text, got type byte 0x${head.toString(16)}`)
    const text = utf8(this.#sized(what, n, least, most))
    if (text === undefined) this.fail(`${what} is not valid UTF-8`)
    return text
  }

  // bin takes least to most bytes, which share memory with the input.
  bin(what: string, least: number, most: number): Bytes {
    const head = this.#byte()
    let n: number
    if (head === 0xc4) n = Number(this.#number(1, 0n))
    else if (head === 0xc5) n = Number(this.#number(2, 0x100n))
    else if (head === 0xc6) n = Number(this.#number(4, 0x10000n))
    else return this.fail(`${what}: expected bytes, got type byte 0x${head.toString(16)}`)
    return this.#sized(what, n, least, most)
  }

  #sized(what: string, n: number, least: number, most: number): Bytes {
    if (n < least || n > most) this.fail(`${what} has ${n} bytes: expected ${least} to ${most}`)
    return this.next(n)
  }

  // array takes the header of an array of at most most elements and returns their number.
  array(what: string, most: number): number {
    const head = this.#byte()
    let n: number
    if (head >= 0x90 && head < 0xa0) n = head - 0x90
    else if (head === 0xdc) n = Number(this.#number(2, 16n))
    else return this.fail(`${what}: expected an array, got type byte 0x${head.toString(16)}`)
    if (n > most) this.fail(`${what} has ${n} elements: expected at most ${most}`)
    return n
  }

  // tuple takes the header of an array of exactly n elements.
  tuple(what: string, n: number): void {
    const got = this.array(what, n)
    if (got !== n) this.fail(`${what} has ${got} elements: expected ${n}`)
  }

  // version takes the header of an array of n elements, whose first one is the format version. What follows another
  // version is unknown.
  version(what: string, n: number): void {
    const got = this.array(what, 0xffff)
    const v = this.uint('version', 2n ** 32n)
    if (v !== BigInt(version)) throw new OtherVersion(what, v)
    if (got !== n) this.fail(`${what} has ${got} elements: expected ${n}`)
  }

  // end fails unless the whole input was taken.
  end(what: string): void {
    const left = this.#b.length - this.at
    if (left > 0) this.fail(`${left} bytes follow the ${what}`)
  }
}
