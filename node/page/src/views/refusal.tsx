import { Refused } from '../api/call'
import { Stranger } from '../safe'
import { texts } from '../text'

// Refusal says why there is nothing to show: the node's own words, or that it is not reached.
export function Refusal({ of }: { of: unknown }) {
  if (of instanceof Refused) return <p class="refusal" role="alert">{texts.refusal.refused} <Stranger text={of.message} max={600} /> <span class="key">{of.code}</span></p>
  return <p class="refusal" role="alert">{texts.refusal.unreachable}</p>
}

export function Waiting() {
  return <p class="faint" role="status">{texts.refusal.wait}</p>
}
