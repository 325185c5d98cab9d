import { moment } from '../format'
import { Stranger } from '../safe'
import { checks as texts } from '../text'
import { clockText, timeText } from '../verify/form'
import { hex } from '../verify/bytes'
import type { Event, Signed } from '../verify/op'
import { Digits } from '../verify/steps'

// Fields shows an entry without its payload: what its author says, and where it stands.
export function Fields({ event, op, seq }: { event: Event, op: Signed, seq: number }) {
  return (
    <>
      <Facts event={event} />
      <Headers of={event.headers} />
      <Technical event={event} op={op} seq={seq} />
    </>
  )
}

// Facts are what a reader wants of an entry first; its time is to the second.
export function Facts({ event }: { event: Event }) {
  return (
    <dl class="facts">
      <div><dt>{texts.entry.kind}</dt><dd><Stranger text={event.kind} max={255} /></dd></div>
      {event.subject && <div><dt>{texts.entry.subject}</dt><dd><Stranger text={event.subject} max={1024} /></dd></div>}
      <div><dt>{texts.entry.time}</dt><dd>{texts.entry.utc(moment(Number(event.time / 1_000_000n)))}</dd></div>
    </dl>
  )
}

export function Headers({ of }: { of: Event['headers'] }) {
  if (of.length === 0) return null
  return (
    <details>
      <summary>{texts.entry.headers(of.length)}</summary>
      <dl class="facts">
        {of.slice(0, 100).map(([name, value]) => <div key={name}><dt><Stranger text={name} max={120} /></dt><dd><Stranger text={value} max={1000} without={texts.entry.empty} /></dd></div>)}
      </dl>
      {of.length > 100 && <p class="faint">{texts.entry.moreHeaders(of.length - 100)}</p>}
    </details>
  )
}

// Technical is the rest: the time to the nanosecond, and where the entry stands in its author's feed.
export function Technical({ event, op, seq }: { event: Event, op: Signed, seq: number }) {
  return (
    <dl class="facts">
      <div><dt>{texts.entry.exactly}</dt><dd>{timeText(event.time)}</dd></div>
      {event.module && <div><dt>{texts.entry.module}</dt><dd><Stranger text={event.module} max={255} /></dd></div>}
      {event.contentType && <div><dt>{texts.entry.contentType}</dt><dd><Stranger text={event.contentType} max={255} /></dd></div>}
      <div><dt>{texts.entry.seq}</dt><dd>{String(seq)}</dd></div>
      <div><dt>{texts.entry.clock}</dt><dd>{clockText(op.clock)}</dd></div>
      <div><dt>{texts.entry.retention}</dt><dd>{texts.entry[op.retention]}</dd></div>
      <div><dt>{texts.entry.key}</dt><dd><Digits of={hex(op.author)} /></dd></div>
      <div><dt>{texts.entry.op}</dt><dd><Digits of={hex(op.id)} /></dd></div>
    </dl>
  )
}
