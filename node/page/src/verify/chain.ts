import { equal, hex } from './bytes'
import { next, nameOf, type Signed } from './op'
import type { Bytes } from './bytes'

// Refused says why ops that are of the right form do not hold.
export class Refused extends Error {}

// checkLog throws unless op is of log.
export function checkLog(op: Signed, log: Bytes): void {
  if (!equal(op.log, log)) throw new Refused(`${nameOf(op)} is of log ${hex(op.log)}, not ${hex(log)}`)
}

// checkLink throws unless op names below as the op before it, and goes on where that ends (docs/PROTOCOL.md, section 7,
// rule 2).
export function checkLink(below: Signed, op: Signed): void {
  if (!equal(op.author, below.author) || !equal(op.prev, below.id)) throw new Refused(`${nameOf(op)} does not name the op before it`)
  if (op.first !== next(below)) throw new Refused(`${nameOf(op)} follows an op that ends at ${next(below)}`)
  if (op.clock <= below.clock) throw new Refused(`${nameOf(op)}: clock ${op.clock} does not follow ${below.clock}`)
  if (op.floor < below.floor) throw new Refused(`${nameOf(op)}: floor ${op.floor} takes back floor ${below.floor}`)
}
