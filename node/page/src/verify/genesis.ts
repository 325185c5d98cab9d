import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, bytesOf, compare, concat, equal } from './bytes'
import { isUsable } from './ed25519'
import { maxAdmins } from './limits'
import { Malformed, Shape } from './shape'

const context = bytesOf('quipu/log/v1\0')

// logOf returns the id of the log that begins with a genesis (docs/PROTOCOL.md, section 3), or throws why it is none.
export function logOf(genesis: Bytes): Bytes {
  const s = new Shape(genesis)
  s.version('genesis', 4)
  s.bin('random', 32, 32)
  const admission = s.uint('admission', 2n)
  const admins: Bytes[] = []
  for (let n = s.array('admins', maxAdmins); n > 0; n--) admins.push(s.bin('admin', 32, 32))
  s.end('genesis')
  if ((admission === 1n) !== admins.length > 0) s.fail(`${admins.length} admins in a log with admission ${admission}`)
  admins.forEach((admin, i) => {
    if (!isUsable(admin)) throw new Malformed('an admin is no usable key')
    if (i > 0 && compare(admins[i - 1]!, admin) >= 0) throw new Malformed('admins are not strictly ascending')
  })
  return sha256(concat(context, genesis)).slice(0, 16) as Bytes
}

// isGenesisOf is whether a log begins with a genesis.
export function isGenesisOf(genesis: Bytes, log: Bytes): boolean {
  return equal(logOf(genesis), log)
}
