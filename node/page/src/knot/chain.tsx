import { number } from '../format'
import { authors } from '../node'
import { linkTo } from '../state'
import { checks as texts } from '../text'
import { hex } from '../verify/bytes'
import { next, type Signed } from '../verify/op'
import type { Proof } from '../verify/proof'
import { Digits } from '../verify/steps'

// most is how many of the headers above an op are drawn.
const most = 6

// Chain shows the ids on the way from the op before an entry's op up to the one whose signature is checked: each names the one
// before it.
export function Chain({ proof }: { proof: Proof }) {
  const [op, ...above] = proof.headers
  const hidden = Math.max(0, above.length - most)
  return (
    <section class="chain" aria-labelledby="chain-title">
      <h3 id="chain-title">{texts.knot.chain}</h3>
      <ol>
        <li><span>{texts.knot.before}</span> {op.first === 0 ? <span class="faint">{texts.knot.first}</span> : <Digits of={hex(op.prev)} />}</li>
        <Link op={op} label={texts.knot.own} anchor={above.length === 0} own />
        {above.slice(0, most - 1).map(h => <Link key={hex(h.id)} op={h} label={texts.knot.after} anchor={h === above[above.length - 1]} />)}
        {hidden > 0 && <li class="faint">{texts.knot.moreHeaders(number(hidden))}</li>}
        {above.length >= most && <Link op={above[above.length - 1]!} label={texts.knot.after} anchor />}
      </ol>
    </section>
  )
}

// Neighbours lead to the entries before and after one in its author's feed.
export function Neighbours({ proof }: { proof: Proof }) {
  const author = hex(proof.author)
  const to = (seq: number) => linkTo({ knot: { author, seq } })
  const held = Math.max(next(proof.headers[proof.headers.length - 1]!), authors.value.find(a => a.author === author)?.next ?? 0)
  return (
    <p class="neighbours">
      {proof.seq > 0 && <a href={to(proof.seq - 1)} rel="prev">{texts.knot.previous}</a>}
      {' '}{proof.seq + 1 < held ? <a href={to(proof.seq + 1)} rel="next">{texts.knot.next}</a> : <span class="faint">{texts.knot.newest}</span>}
    </p>
  )
}

function Link({ op, label, anchor, own = false }: { op: Signed, label: string, anchor: boolean, own?: boolean }) {
  return (
    <li class={`${own ? 'own ' : ''}${anchor ? 'anchor' : ''}`}>
      <span>{label}</span> <Digits of={hex(op.id)} />
      <span class="faint"> {texts.knot.holdsSeqs(number(op.first), number(next(op) - 1))}, {anchor ? texts.knot.anchor : texts.knot.vouches}</span>
    </li>
  )
}
