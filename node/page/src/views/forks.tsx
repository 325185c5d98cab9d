import type { Entry, Fork, ForkBranch, ForkedFeed } from '../api/forms'
import { count, list, moment, number, short } from '../format'
import { called, curl, folder, only, status, Who } from '../node'
import { useResource } from '../resource'
import { Stranger } from '../safe'
import { command } from '../shell'
import { linkTo } from '../state'
import { placeOf } from '../place'
import { Command, Telling } from '../telling'
import { texts } from '../text'
import { useFirst } from './first'
import { Refusal, Waiting } from './refusal'

const t = texts.forks

// Forks says in words who has contradicted itself, what that means and what to do.
export function Forks() {
  const { values, more, error } = useFirst<ForkedFeed>('/v1/forks', 100, 10_000)
  if (error && !values) return <Refusal of={error} />
  if (!values) return <Waiting />
  return (
    <>
      {values.length === 0 ? <p class="verdict sound">{t.none}</p> : values.map(f => <Feed key={f.author} of={f} />)}
      {more && <p class="faint">{t.more}</p>}
      <Telling words={values.length === 0 ? t.wordsNone : t.words(values.length, list(values.slice(0, 5).map(f => called(f.author, f.name))), number(values.reduce((n, f) => n + f.entries, 0)))}
        commands={[command('quipu', 'forks', 'list', ['--dir', folder.value]), ...values.slice(0, 3).map(f => command('quipu', 'forks', 'show', ['--dir', folder.value], short(f.author))), curl('/v1/forks')]} />
    </>
  )
}

function Feed({ of }: { of: ForkedFeed }) {
  const all = useResource<ForkedFeed>(`/v1/forks/${of.author}`, {}, 0)
  const feed = all.value ?? of
  return (
    <section class="fork">
      <h2><Who author={of.author} name={of.name} /></h2>
      <p>{t.disputed(count(feed.entries, 'entry', 'entries'), feed.branches, number(feed.first), moment(feed.since))}</p>
      {feed.shut && <p class="refusal">{t.shut} <Stranger text={feed.shut} max={200} /></p>}
      <h3>{t.happened}</h3>
      <p>{t.cause} {feed.own && (feed.ownEnd ? t.own(number(feed.ownEnd.next - 1)) : t.ownNothing)}</p>
      <h3>{t.means}</h3>
      <p>{feed.shut ? t.heldStays : t.nothingLost} {feed.first > 0 ? t.notInDoubt(number(feed.first)) : t.othersNotInDoubt} {t.stops}</p>
      <h3>{t.todo}</h3>
      <p>{t.remedy}</p>
      <Command line={command('quipu', 'recover', ['--dir', feed.own ? folder.value : 'D'], '--new-key')} />
      <p>{t.orNew}</p>
      <Command line={command('quipu', 'init', ['--dir', 'NEW'], ['--log', status.value?.log])} />
      <p>{t.neverCopy}</p>
      {feed.forks?.map((fork, i) => <Parting key={i} of={fork} i={i} n={feed.forks!.length} />)}
      <p><a href={only({ view: 'picture', author: [of.author] })}>{t.picture}</a></p>
    </section>
  )
}

function Parting({ of, i, n }: { of: Fork, i: number, n: number }) {
  return (
    <>
      <h3>{t.which(i + 1, n)} {of.below ? t.below : of.prev ? <>{t.after(number(of.prev.next - 1))} <span class="key">{of.prev.op.slice(0, 16)}</span></> : t.beginning}</h3>
      <Strands of={of} />
      <ol class="branches">{of.branches.map((b, j) => <li key={b.last.op}><Branch of={b} j={j} /></li>)}</ol>
      <p class="faint">{of.proved ? t.proved : t.unproved}</p>
    </>
  )
}

// Strands draws where the feed parts: one line that becomes several, each of another pattern.
function Strands({ of }: { of: Fork }) {
  const shown = of.branches.slice(0, 8)
  const height = Math.max(48, shown.length * 26)
  return (
    <svg class="strands" viewBox={`0 0 320 ${height}`} aria-hidden="true">
      <path class="line" d={`M0 ${height / 2}H110`} />
      {shown.map((b, j) => {
        const y = (j + 0.5) * height / shown.length
        return <g key={b.last.op} class={`strand s${j % 4}`}><path class="line" d={`M110 ${height / 2}C150 ${height / 2} 150 ${y} 190 ${y}H250`} /><text x="258" y={y + 4}>@{b.last.op.slice(0, 6)}</text></g>
      })}
      <circle class="knot" cx="110" cy={height / 2} r="6" />
    </svg>
  )
}

function Branch({ of, j }: { of: ForkBranch, j: number }) {
  return (
    <>
      <strong>{t.branch(j + 1)}</strong> <span class="key">@{of.last.op.slice(0, 16)}</span>: {t.holds(count(of.entries, 'entry', 'entries'), moment(of.from), moment(of.until))}
      {of.own && <> {t.here}</>}{of.parts && <> {t.parts}</>}
      <ul>
        {of.begin.map(e => <Line key={e.op + e.seq} of={e} />)}
        {of.end && of.end.length > 0 && <><li class="faint">…</li>{of.end.map(e => <Line key={e.op + e.seq} of={e} />)}</>}
      </ul>
    </>
  )
}

function Line({ of }: { of: Entry }) {
  return <li><a href={linkTo({ knot: placeOf(of) })}>{number(of.seq)}</a> <Stranger text={of.kind} max={60} /> <Stranger text={of.subject} max={60} without="" /> <span class="faint">{moment(of.time)}</span></li>
}
