import { number } from '../format'
import { hex } from './bytes'
import type { Check, Verdict } from './proof'
import { checks as texts } from '../text'

// Steps gives the verdict on a proof in a sentence, and then says each step of checking it. folded puts the steps of a proof that holds
// behind a line, unless it was checked in a way that the reader has to know of.
export function Steps({ verdict, holds, fails = texts.holdsNot, folded = false }: { verdict: Verdict, holds: string, fails?: string, folded?: boolean }) {
  const steps = (
    <ol>
      {verdict.checks.map(check => <li key={check.step} class="sound"><Said check={check} /></li>)}
      {verdict.failed && <li class="failed"><strong>{texts.failed[verdict.failed.step]}</strong> <span class="key">{verdict.failed.reason}</span></li>}
    </ol>
  )
  const open = verdict.failed !== undefined || verdict.checks.some(check => check.step === 'signature' && check.why !== 'secure' && check.why !== 'unsupported')
  return (
    <div class="steps">
      <p class={verdict.failed ? 'verdict failed' : 'verdict sound'} role="status">{verdict.failed ? fails : holds}</p>
      {folded ? <details open={open}><summary>{texts.how}</summary>{steps}</details> : steps}
    </div>
  )
}

function Said({ check }: { check: Check }) {
  switch (check.step) {
    case 'entry': return <>{texts.step.entry(number(check.bytes))}</>
    case 'leaf': return <>{texts.step.leaf} <Digits of={hex(check.hash)} /></>
    case 'path': return (
      <>
        {check.steps.length === 0 ? texts.step.alone : texts.step.path(number(check.index), number(check.count), check.steps.length)} <Digits of={hex(check.root)} />
        {check.steps.length > 0 && (
          <details>
            <summary>{texts.step.hashes}</summary>
            <ol class="path">
              {check.steps.map((step, i) => <li key={i}>{texts.step.side[step.side]} <Digits of={hex(step.sibling)} /> → <Digits of={hex(step.hash)} /></li>)}
            </ol>
          </details>
        )}
      </>
    )
    case 'op': return <>{texts.step.op} <Digits of={hex(check.id)} /></>
    case 'chain': return <>{check.headers === 1 ? texts.step.anchor : texts.step.chain(number(check.headers - 1))}</>
    case 'key': return <>{texts.step.key} <Digits of={hex(check.author)} /></>
    case 'signature': return <>{texts.step.signature(number(check.message))} <Digits of={hex(check.signature)} /> {texts.by[check.why]}</>
    case 'shown': return <>{texts.step.shown}</>
  }
}

// Digits shows a hash whole, so that it can be compared and searched for.
export function Digits({ of }: { of: string }) {
  return <code class="digits" translate={false}>{of}</code>
}
