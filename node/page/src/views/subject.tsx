import { useState } from 'preact/hooks'
import { address, post } from '../api/call'
import type { CheckReport, Entry, State, Transition } from '../api/forms'
import { count, moment } from '../format'
import { called, curl, folder, only, Who } from '../node'
import { parsePlace, type Place } from '../place'
import { quoted, Stranger } from '../safe'
import { command } from '../shell'
import { knot, linkTo, show, subject } from '../state'
import { allowed, concurrent, diagram, steps, type Step } from '../subject/history'
import { Drawing } from '../subject/drawing'
import { Telling } from '../telling'
import { texts } from '../text'
import { useFirst } from './first'
import { Refusal, Waiting } from './refusal'

// Bounds of what is read and drawn: a stranger may have written any number of subjects, moves and stages.
const most = { subjects: 300, moves: 2000, stages: 60, moved: 400 }

// Subject is the history of one, or the list of those there are.
export function Subject() {
  return subject.value ? <History of={subject.value} /> : <Subjects />
}

const t = texts.subject

// moves says that an entry moves a subject.
function moves(entry: Entry): boolean {
  return entry.kind === 'quipu.transition'
}

function Subjects() {
  const [wanted, setWanted] = useState('')
  const { values, more, error } = useFirst<State>('/v1/state', most.subjects, 0, {}, moves)
  if (error && !values) return <Refusal of={error} />
  if (!values) return <Waiting />
  const contested = values.filter(s => s.contested?.length)
  return (
    <>
      <form class="find" onSubmit={e => { e.preventDefault(); if (wanted) show({ subject: wanted }) }}>
        <label>{t.find}<input value={wanted} maxLength={1024} autocomplete="off" onInput={e => setWanted(e.currentTarget.value)} /></label>
        <button type="submit">{t.show}</button>
      </form>
      {contested.length > 0 && <p class="faint">{t.contestedMeans}</p>}
      {values.length === 0 ? <p>{t.none}</p> : (
        <table class="subjects" role="table">
          <caption class="hidden">{t.listed}</caption>
          <thead role="rowgroup"><tr role="row">{[t.columns.subject, t.columns.stage, t.columns.since, t.columns.moves].map(c => <th key={c} role="columnheader" scope="col">{c}</th>)}</tr></thead>
          <tbody role="rowgroup">
            {values.map(s => (
              <tr key={s.subject} role="row">
                <td role="cell"><a href={only({ view: 'subject', subject: s.subject })}><Stranger text={s.subject} max={80} /></a></td>
                <td role="cell"><Stranger text={s.stage} max={60} />{s.contested?.length ? <span class="badge bad">{t.contested}</span> : null}</td>
                <td role="cell"><time dateTime={s.time}>{moment(s.time)}</time></td>
                <td role="cell" class="amount" data-label={t.columns.moves}>{s.moves}{s.concurrent ? <span class="faint"> {t.concurrentOf(s.concurrent)}</span> : null}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {more && <p class="faint">{t.more(most.subjects)}</p>}
      <Telling words={t.wordsAll(values.length, more, contested.length)} commands={[command('quipu', 'state', ['--dir', folder.value]), curl('/v1/state')]} />
    </>
  )
}

function History({ of }: { of: string }) {
  const mine = (entry: Entry) => moves(entry) && entry.subject === of
  const made = useFirst<Transition>('/v1/transitions', most.moves, 0, { subject: of }, mine)
  const stage = useFirst<State>('/v1/state', 1, 0, { subject: of }, mine)
  const [checked, setChecked] = useState<{ of: string, report: CheckReport, moves: { from: string, to: string }[] } | null>(null)
  const report = checked?.of === of ? checked : null
  if (made.error && !made.values) return <Refusal of={made.error} />
  if (!made.values) return <Waiting />
  const history = steps(made.values, report?.report.findings)
  const drawn = diagram(history, report?.moves)
  const now = stage.values?.[0]
  const opened = history.find(step => knot.value && isAt(step.move, knot.value))
  const contested = now?.contested?.map(c => c.stage) ?? []
  const drawable = drawn.spots.length <= most.stages && drawn.edges.length <= most.moved
  return (
    <>
      <p class="crumb"><a href={only({ view: 'subject' })}>{t.all}</a> › <Stranger text={of} max={120} /></p>
      {history.length === 0 ? <p>{t.unmoved}</p> : (
        <>
          <p>{t.is} <strong><Stranger text={now?.stage ?? history[history.length - 1]!.move.to} max={60} /></strong>.
            {contested.length > 0 && <> {t.contestedBetween} {contested.map((s, i) => <>{i > 0 ? ', ' : ''}<Stranger text={s} max={60} /></>)}. {t.contestedUntil}</>}</p>
          {drawable ? <Drawing of={drawn} now={now?.stage} contested={contested} open={opened?.n} /> : <p class="faint">{t.undrawn}</p>}
          <Legend history={history} />
          <ol class="history">{history.map(step => <li key={step.move.place + step.move.op} class={step === opened ? 'open' : undefined} aria-current={step === opened ? 'true' : undefined}><Told step={step} of={history} /></li>)}</ol>
          {made.more && <p class="faint">{t.moreMoves(most.moves)}</p>}
          <Check of={of} onReport={(r, m) => setChecked({ of, report: r, moves: m })} />
          {report && <p role="status">{t.checked(report.report.sound, report.report.odd)}</p>}
        </>
      )}
      <p><a href={only({ view: 'entries', subject: of })}>{t.entries}</a></p>
      <Telling words={words(of, history, now)} commands={[
        command('quipu', 'transitions', ['--dir', folder.value], ['--subject', of]),
        command('quipu', 'state', ['--dir', folder.value], ['--subject', of]),
        curl(address('/v1/transitions', { subject: of })),
      ]} />
    </>
  )
}

// isAt says that a move stands at a place, of whose branches it may be any where none is named.
function isAt(move: Transition, place: Place): boolean {
  const at = parsePlace(move.place)
  return at?.author === place.author && at.seq === place.seq && (!place.branch || move.op.startsWith(place.branch))
}

function Told({ step, of }: { step: Step, of: readonly Step[] }) {
  const { move } = step
  const place = parsePlace(move.place)
  return (
    <>
      <time dateTime={move.time}>{moment(move.time)}</time>{' '}
      <Stranger text={move.from} max={60} without={t.nothing} /> → <strong><Stranger text={move.to} max={60} without={t.nothing} /></strong>
      {move.trigger && <> {t.by} <Stranger text={move.trigger} max={60} /></>}
      {place && <> · <Who author={place.author} plain /> <a href={linkTo({ knot: place })} aria-label={t.open(step.n)}>{t.knot}</a></>}
      {step.marks.map(m => <span key={m} class={`mark-word ${m}`}>{t.marks[m].sign} {t.marks[m].word}</span>)}
      {concurrent(step, of).length > 0 && <span class="finding">{t.with(concurrent(step, of))}</span>}
      {move.notes?.filter(n => !n.startsWith('concurrent with ')).map(n => <span key={n} class="finding"><Stranger text={n} max={300} /></span>)}
      {step.findings.filter(f => !t.noted.includes(f.class)).map(f => <span key={f.class} class="finding"><Stranger text={f.why} max={300} />{f.expected ? <>; <Stranger text={f.expected} max={300} /></> : null}</span>)}
    </>
  )
}

// Legend explains the marks that are there.
function Legend({ history }: { history: readonly Step[] }) {
  const marks = [...new Set(history.flatMap(s => s.marks))]
  if (marks.length === 0) return null
  return <ul class="marks">{marks.map(m => <li key={m} class={m}><b>{t.marks[m].sign} {t.marks[m].word}</b> {t.marks[m].means}</li>)}</ul>
}

// Check holds the history against a state machine that the reader gives: the log has none.
function Check({ of, onReport }: { of: string, onReport: (report: CheckReport, moves: { from: string, to: string }[]) => void }) {
  const [error, setError] = useState<unknown>(null)
  const check = async (text: string) => {
    setError(null)
    try {
      const report = await post<CheckReport>('/v1/transitions/check', { machineFile: text, subjects: [of] })
      onReport(report, report.machine ? allowed(report.machine) : [])
    } catch (err) {
      setError(err)
    }
  }
  return (
    <details>
      <summary>{t.check}</summary>
      <form onSubmit={e => { e.preventDefault(); void check(String(new FormData(e.currentTarget as HTMLFormElement).get('machine'))) }}>
        <label>{t.machine}<textarea name="machine" rows={8} spellcheck={false} placeholder={t.example} /></label>
        <button type="submit">{t.hold}</button>
        {error ? <Refusal of={error} /> : null}
      </form>
    </details>
  )
}

function words(of: string, history: readonly Step[], now: State | undefined): string {
  const first = history[0], last = history[history.length - 1]
  if (!first || !last) return t.wordsUnmoved(quoted(of, 80))
  const odd = history.filter(s => s.marks.length > 0)
  const by = new Set(history.map(s => parsePlace(s.move.place)?.author)).size
  return t.words(quoted(of, 80), quoted(now?.stage ?? last.move.to), count(history.length, 'move', 'moves'), by, moment(first.move.time), moment(last.move.time),
    called(parsePlace(last.move.place)?.author ?? ''), odd.map(s => `${s.n} (${s.marks.map(m => t.marks[m].word).join(', ')})`))
}
