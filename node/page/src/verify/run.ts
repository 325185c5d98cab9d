import { type Bytes, equal } from './bytes'
import { checkLink, checkLog, Refused } from './chain'
import { isUsable, type Verifier } from './ed25519'
import { maxAnchorSearch } from './limits'
import { leafHash, rootOf } from './merkle'
import { isTrimmed, nameOf, type Op, type Signed, signatureOf, signedMessage } from './op'

// Authorised says how many ops of a run hold, from its beginning, and what is wrong with the rest where they are not all.
export interface Authorised { ops: number, problem?: string }

// Breathe hands the page back to the browser where that is due, and throws where whoever looks on has had enough.
export type Breathe = () => Promise<void>

const hurry: Breathe = async () => {}

// verifyRun checks a run as docs/PROTOCOL.md, section 7, says: a chain of ops of log whose bodies match their headers, up to the
// last op whose own signature holds, which is looked for from the end.
//
//	op ─ op ─ op ─ op ─ op      signature checked only at A; the last op's signature is bad, so it is left out
//	 └────authorised───┘ A
//
// breathe is called before each op that is hashed and each signature that is checked: a run may have tens of thousands of entries.
export async function verifyRun(ops: Op[], leave: Signed | undefined, log: Bytes, verifier: Verifier, breathe: Breathe = hurry): Promise<Authorised> {
  const first = ops[0]
  if (!first) return { ops: 0, problem: 'no ops' }
  if (leave && !(equal(leave.log, log) && equal(leave.author, first.author))) return { ops: 0, problem: 'a leave of another feed' }
  const chain = await checkChain(ops, log, breathe)
  if (chain.ops === 0) return chain
  if (!isUsable(first.author)) return { ops: 0, problem: 'its author is no usable key' }
  const anchor = await lastAnchor(ops.slice(0, chain.ops), verifier, breathe)
  const problem = chain.problem ?? anchor.problem
  return problem === undefined ? { ops: anchor.ops } : { ops: anchor.ops, problem }
}

// verifySigned checks a header's own signature.
export function verifySigned(signed: Signed, verifier: Verifier): Promise<boolean> {
  return verifier.verify(signed.author, signedMessage(signed), signatureOf(signed))
}

async function checkChain(ops: Op[], log: Bytes, breathe: Breathe): Promise<Authorised> {
  let below: Op | undefined
  for (const [i, op] of ops.entries()) {
    await breathe()
    try {
      checkLog(op, log)
      if (below) checkLink(below, op)
      checkBody(op)
    } catch (err) {
      if (err instanceof Refused) return { ops: i, problem: err.message }
      throw err
    }
    below = op
  }
  return { ops: ops.length }
}

// checkBody holds the entries against the root in the header. A trimmed op has none.
function checkBody(op: Op): void {
  if (!isTrimmed(op) && !equal(rootOf(op.entries.map(leafHash)), op.root)) throw new Refused(`${nameOf(op)}: body does not match its header`)
}

async function lastAnchor(ops: Op[], verifier: Verifier, breathe: Breathe): Promise<Authorised> {
  let problem: string | undefined
  for (let n = ops.length; n > 0 && ops.length - n < maxAnchorSearch; n--) {
    const op = ops[n - 1]!
    await breathe()
    if (await verifySigned(op, verifier)) return problem === undefined ? { ops: n } : { ops: n, problem }
    problem ??= `${nameOf(op)}: signature does not verify`
  }
  return { ops: 0, ...(problem === undefined ? {} : { problem }) }
}
