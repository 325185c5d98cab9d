import { number } from '../format'
import { Payload } from '../knot/payload'
import { Fields } from '../knot/fields'
import { Command } from '../telling'
import { checks as texts } from '../text'
import { hex } from './bytes'
import type { Proof, Verdict } from './proof'
import { Digits, Steps } from './steps'

// ProofView is a proof that was dropped: what it proves, and how that was checked.
export function ProofView({ proof, verdict }: { proof: Proof, verdict: Verdict }) {
  const { event } = verdict
  return (
    <>
      <Steps verdict={verdict} holds={texts.holds(number(proof.seq))} />
      <dl class="facts">
        <div><dt>{texts.author}</dt><dd><Digits of={hex(proof.author)} /></dd></div>
        <div><dt>{texts.log}</dt><dd><Digits of={hex(proof.log)} /></dd></div>
      </dl>
      <p>{texts.compare}</p>
      {event && (
        <>
          <Fields event={event} op={proof.headers[0]} seq={proof.seq} />
          <Payload bytes={event.payload} type={event.contentType} />
        </>
      )}
      <p>{texts.same}</p>
      <Command line="quipu check-proof FILE" />
    </>
  )
}
