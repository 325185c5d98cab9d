import { useEffect, useRef, useState } from 'preact/hooks'
import { address, get } from '../api/call'
import type { Entry } from '../api/forms'
import { onArrivals } from '../arrivals'
import { moment, number } from '../format'
import { curl, folder, only, Who } from '../node'
import { formatPlace, placeOf } from '../place'
import { flags, params, takes, type Taken } from '../query'
import { quoted, Stranger, visible } from '../safe'
import { command } from '../shell'
import { author, from, kind, knot, linkTo, subject, to } from '../state'
import { Telling } from '../telling'
import { texts } from '../text'
import { Refusal, Waiting } from './refusal'

interface Page { entries: Entry[], next?: string }

// A page has so many rows at most: beyond it the oldest make room, and are asked for again.
const atOnce = 50, most = 1000

// Entries is the live table: the newest above, what comes added as it comes.
export function Entries() {
  const taken: Taken = { author: author.value, kind: kind.value, subject: subject.value, from: from.value, to: to.value }
  const table = useTable(taken)
  const path = address('/v1/entries', { ...params(taken), order: 'arrival', reverse: true, limit: atOnce })
  if (table.error && !table.rows) return <Refusal of={table.error} />
  if (!table.rows) return <Waiting />
  return (
    <>
      <p role="status" class="faint">{texts.entries.came(table.came)}</p>
      {table.rows.length === 0 ? <p>{texts.entries.none}</p> : <Table rows={table.rows} fresh={table.fresh} />}
      {table.next && <button type="button" onClick={table.more} disabled={table.busy}>{texts.entries.older}</button>}
      {table.error ? <Refusal of={table.error} /> : null}
      <Telling
        words={words(table.rows, taken)}
        commands={[
          command('quipu', 'log', ['--dir', folder.value], ['--newest', atOnce], ...flags(taken)),
          command('quipu', 'tail', ['--dir', folder.value], ...flags(taken).filter(([flag]) => flag !== '--since' && flag !== '--until')),
          curl(path, 'application/json'),
        ]}
      />
    </>
  )
}

// useTable reads the newest entries that are taken, adds what comes, and reads older ones where that is asked for.
function useTable(taken: Taken) {
  const [state, set] = useState<{ rows: Entry[] | null, next: string | undefined, came: number, fresh: ReadonlySet<string>, error: unknown, busy: boolean }>(empty)
  const key = JSON.stringify(taken)
  const call = useRef<AbortController | null>(null)
  // What has come since the newest were asked for: the answer may have been made before it came.
  const since = useRef<Entry[]>([])
  const load = async (page: string | undefined) => {
    call.current?.abort()
    const mine = call.current = new AbortController()
    if (!page) since.current = []
    set(s => ({ ...s, busy: true }))
    try {
      const got = await get<Page>('/v1/entries', { ...params(taken), order: 'arrival', reverse: true, limit: atOnce, page }, mine.signal)
      set(s => ({ ...s, rows: merge(page ? s.rows ?? [] : since.current, got.entries), next: got.next, error: null, busy: false }))
    } catch (error) {
      if (!mine.signal.aborted) set(s => ({ ...s, error, busy: false }))
    }
  }
  useEffect(() => {
    set(empty)
    void load(undefined)
    let again: ReturnType<typeof setTimeout> | undefined
    const stop = onArrivals(arrivals => {
      if (arrivals.many > 0) {
        again ??= setTimeout(() => {
          again = undefined
          void load(undefined)
        }, 2000)
        set(s => ({ ...s, came: s.came + arrivals.many }))
        return
      }
      const mine = arrivals.entries.filter(e => takes(taken, e))
      if (mine.length === 0) return
      mine.reverse()
      since.current = [...mine, ...since.current].slice(0, most)
      set(s => ({ ...s, came: s.came + mine.length, fresh: new Set(mine.map(id)), rows: s.rows && merge(mine, s.rows).slice(0, most) }))
    })
    return () => {
      call.current?.abort()
      clearTimeout(again)
      stop()
    }
  }, [key])
  return { ...state, more: () => void load(state.next) }
}

const empty = { rows: null, next: undefined, came: 0, fresh: new Set<string>(), error: null, busy: false }

function id(entry: Entry): string {
  return formatPlace(placeOf(entry)) + entry.op
}

// merge joins two lists of which the second is older, and tells what stands in both once.
function merge(newer: Entry[], older: Entry[]): Entry[] {
  const known = new Set(newer.map(id))
  return [...newer, ...older.filter(e => !known.has(id(e)))]
}

function words(rows: readonly Entry[], taken: Taken): string {
  const newest = rows[0]
  if (!newest) return texts.entries.wordsNone
  const kinds = new Set(rows.map(e => e.kind)).size
  return texts.entries.words(rows.length, new Set(rows.map(e => e.author)).size, kinds, quoted(newest.kind), newest.subject ? quoted(newest.subject) : '', moment(newest.time),
    taken.author.length + taken.kind.length > 0 || taken.subject !== '' || taken.from !== null || taken.to !== null)
}

function Table({ rows, fresh }: { rows: readonly Entry[], fresh: ReadonlySet<string> }) {
  const t = texts.entries.columns
  return (
    <table class="entries" role="table">
      <caption class="hidden">{texts.entries.caption}</caption>
      <thead role="rowgroup"><tr role="row">{[t.time, t.author, t.seq, t.kind, t.subject, t.payload].map(c => <th key={c} role="columnheader" scope="col">{c}</th>)}</tr></thead>
      <tbody role="rowgroup">{rows.map(e => <Row key={id(e)} entry={e} fresh={fresh.has(id(e))} />)}</tbody>
    </table>
  )
}

function Row({ entry, fresh }: { entry: Entry, fresh: boolean }) {
  const place = placeOf(entry)
  const chosen = knot.value && formatPlace(knot.value) === formatPlace(place)
  return (
    <tr role="row" class={[fresh ? 'fresh' : '', entry.disputed ? 'disputed' : '', chosen ? 'chosen' : ''].join(' ').trim() || undefined}>
      <td role="cell" class="time"><time dateTime={entry.time} title={entry.time}>{moment(entry.time)}</time></td>
      <td role="cell" class="author"><Who author={entry.author} /></td>
      <td role="cell" class="seq"><a href={linkTo({ knot: place })} aria-label={texts.entries.open(number(entry.seq))}>{number(entry.seq)}</a>
        {entry.disputed && <span class="badge bad" title={texts.entries.disputed}>@{entry.op.slice(0, 8)}</span>}</td>
      <td role="cell" class="kind"><a href={linkTo({ kind: [entry.kind] })}><Stranger text={entry.kind} max={60} /></a></td>
      <td role="cell" class="subject">{entry.subject ? <a href={only({ view: 'subject', subject: entry.subject })}><Stranger text={entry.subject} max={60} /></a> : null}</td>
      <td role="cell" class="payload"><Stranger text={preview(entry)} max={160} without="" /></td>
    </tr>
  )
}

function preview(entry: Entry): string {
  if (entry.payloadBase64 !== undefined) return `${visible(entry.contentType ?? '', 40)} ${entry.payloadBase64.slice(0, 120)}`.trim()
  if (entry.payload === undefined) return ''
  // What a transition comes after is long, and is told by the subject's history.
  const after = entry.kind === 'quipu.transition' ? (key: string, value: unknown) => key === 'after' ? undefined : value : undefined
  return JSON.stringify(entry.payload, after).slice(0, 400)
}
