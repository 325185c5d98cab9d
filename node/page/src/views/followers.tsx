import { useState } from 'preact/hooks'
import type { Follower, Parked } from '../api/forms'
import { ago, count, number, span } from '../format'
import { curl, folder, Who } from '../node'
import { quoted, Stranger } from '../safe'
import { command } from '../shell'
import { linkTo } from '../state'
import { Command, Telling } from '../telling'
import { texts } from '../text'
import { Refusal, Waiting } from './refusal'
import { useFirst } from './first'

const t = texts.followers

// Followers is who handles the entries of this node one by one, how far each is, and what it set aside.
export function Followers() {
  const { values, error } = useFirst<Follower>('/v1/followers', 1000, 5000)
  if (error && !values) return <Refusal of={error} />
  if (!values) return <Waiting />
  return (
    <>
      {values.length > 0 && <ul class="cards">{values.map(f => <li key={f.name}><Card of={f} /></li>)}</ul>}
      {values.every(own) && <section class="hints"><p>{t.none}</p><Command line={command('quipu', 'follow', ['--dir', folder.value], 'mailer', ['--exec', 'cat >> entries.ndjson'])} /></section>}
      <Telling words={words(values)} commands={[command('quipu', 'followers', 'list', ['--dir', folder.value]), curl('/v1/followers')]} />
    </>
  )
}

function Card({ of }: { of: Follower }) {
  const [open, setOpen] = useState(false)
  const behind = of.lag > 0, entries = count(of.lag, 'entry', 'entries')
  const done = behind ? Math.min(99, Math.floor(100 * of.cursor / of.next)) : 100
  return (
    <article class={`card ${of.failure && of.failure.attempts > 0 ? 'failing' : ''}`}>
      <h2><Stranger text={of.name} max={60} /></h2>
      <p class="state"><span class={`dot ${of.running ? 'alive' : 'left'}`} aria-hidden="true" />{own(of) ? t.own : of.running ? t.running : t.resting}{of.filter && <> · {t.takes} <Stranger text={of.filter} max={120} /></>}</p>
      <svg class={behind ? 'bar wide behind' : 'bar wide'} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width={done} height="6" /></svg>
      <p><strong>{!behind ? t.upToDate : own(of) ? t.unasked(entries) : t.behind(entries, span(of.lagSeconds))}</strong> {of.holds ? t.holds : t.lets}</p>
      <dl>
        <dt>{t.looked}</dt><dd>{t.lookedAt(number(of.cursor), count(of.next, 'entry', 'entries'))}</dd>
        {!own(of) && <><dt>{t.handled}</dt><dd>{number(of.handled)}</dd></>}
        {of.skipped > 0 && <><dt>{t.skipped}</dt><dd>{number(of.skipped)}</dd></>}
        {of.trimmed > 0 && <><dt>{t.trimmed}</dt><dd>{number(of.trimmed)}</dd></>}
        {of.dropped > 0 && <><dt>{t.dropped}</dt><dd>{number(of.dropped)}</dd></>}
      </dl>
      {of.failure && of.failure.attempts > 0 && <p class="refusal">{t.failed(count(of.failure.attempts, 'time', 'times'), ago(of.failure.time))} <Stranger text={of.failure.error} max={300} /></p>}
      {of.parked > 0 && (
        <details open={open} onToggle={e => setOpen(e.currentTarget.open)}>
          <summary>{t.parked(count(of.parked, 'entry', 'entries'))}</summary>
          {open && <Aside of={of.name} />}
        </details>
      )}
    </article>
  )
}

// own says that a follower is the node's own, which goes on whenever it is asked.
function own(follower: Follower): boolean {
  return follower.name.startsWith('quipu.')
}

// Aside lists what a follower could not handle and went on without, and what may be done about it.
function Aside({ of }: { of: string }) {
  const { values, error, more } = useFirst<Parked>(`/v1/followers/${encodeURIComponent(of)}/parked`, 100, 0)
  if (error) return <Refusal of={error} />
  if (!values) return <Waiting />
  return (
    <>
      <ul class="parked">{values.map(p => (
        <li key={p.offset}>
          <a href={linkTo({ knot: { author: p.author, seq: p.seq } })}>#{p.offset}</a> <Stranger text={p.kind} max={60} /> <Stranger text={p.subject} max={60} without="" /> · <Who author={p.author} plain />
          <span class="finding"><Stranger text={p.failure.error} max={300} /> ({t.attempts(count(p.failure.attempts, 'time', 'times'))})</span>
        </li>
      ))}</ul>
      {more && <p class="faint">{t.moreParked}</p>}
      <p>{t.after}</p>
      <Command line={command('quipu', 'followers', 'parked', ['--dir', folder.value], of)} />
      <Command line={command('quipu', 'followers', 'drop', ['--dir', folder.value], of, '--all')} />
    </>
  )
}

function words(all: readonly Follower[]): string {
  if (all.length === 0) return t.wordsNone
  const behind = all.filter(f => f.lag > 0), parked = all.filter(f => f.parked > 0)
  return t.words(all.length, all.filter(own).length, all.filter(f => f.running).length, behind.map(f => `${quoted(f.name, 40)} ${number(f.lag)}`), parked.map(f => `${quoted(f.name, 40)} ${number(f.parked)}`))
}
