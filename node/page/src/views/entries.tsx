import { useEffect, useRef, useState } from 'preact/hooks'
import { address, get } from '../api/call'
import type { Entry } from '../api/forms'
import { onArrivals } from '../arrivals'
import { bytes, moment, number } from '../format'
import { curl, folder, only, Who } from '../node'
import { formatPlace, placeOf } from '../place'
import { flags, params, takes, type Taken } from '../query'
import { quoted, Stranger } from '../safe'
import { command } from '../shell'
import { author, from, kind, knot, linkTo, show, subject, to } from '../state'
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
  const one = table.rows.length > 1 && table.rows.every(e => e.kind === table.rows![0]!.kind) ? table.rows[0]!.kind : null
  return (
    <>
      <p role="status" class="faint">{texts.entries.came(table.came)}{one !== null && <> {texts.entries.ofKind} <Stranger text={one} max={60} />.</>}</p>
      {table.rows.length === 0 ? <p>{texts.entries.none}</p> : <Table rows={table.rows} fresh={table.fresh} kinds={one === null} />}
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

// Table has a column of kinds where they differ, and one of subjects where there are any.
function Table({ rows, fresh, kinds }: { rows: readonly Entry[], fresh: ReadonlySet<string>, kinds: boolean }) {
  const t = texts.entries.columns
  const subjects = rows.some(e => e.subject)
  const columns = [t.time, t.author, ...(subjects ? [t.subject] : []), ...(kinds ? [t.kind] : []), t.payload, t.seq]
  return (
    <table class={kinds ? 'entries by-kind' : 'entries'} role="table">
      <caption class="hidden">{texts.entries.caption}</caption>
      <thead role="rowgroup"><tr role="row">{columns.map(c => <th key={c} role="columnheader" scope="col">{c}</th>)}</tr></thead>
      <tbody role="rowgroup">{rows.map(e => <Row key={id(e)} entry={e} fresh={fresh.has(id(e))} kinds={kinds} subjects={subjects} />)}</tbody>
    </table>
  )
}

// Row opens its entry wherever it is pressed; with the keyboard its seq does, which is a link.
function Row({ entry, fresh, kinds, subjects }: { entry: Entry, fresh: boolean, kinds: boolean, subjects: boolean }) {
  const place = placeOf(entry)
  const chosen = knot.value && formatPlace(knot.value) === formatPlace(place)
  const open = (event: MouseEvent) => {
    if (event.target instanceof Element && event.target.closest('a')) return
    if (getSelection()?.isCollapsed !== false) show({ knot: place })
  }
  return (
    <tr role="row" onClick={open} class={[fresh ? 'fresh' : '', entry.disputed ? 'disputed' : '', chosen ? 'chosen' : ''].join(' ').trim() || undefined}>
      <td role="cell" class="time"><time dateTime={entry.time} title={entry.time}>{moment(entry.time)}</time></td>
      <td role="cell" class="author"><Who author={entry.author} /></td>
      {subjects && <td role="cell" class="subject">{entry.subject ? <a href={only({ view: 'subject', subject: entry.subject })}><Stranger text={entry.subject} max={60} /></a> : null}</td>}
      {kinds && <td role="cell" class="kind"><a href={linkTo({ kind: [entry.kind] })}><Stranger text={entry.kind} max={60} /></a></td>}
      <td role="cell" class="payload"><Happened entry={entry} /></td>
      <td role="cell" class="seq">{entry.disputed && <span class="badge bad" title={texts.entries.disputed}>@{entry.op.slice(0, 8)}</span>}
        <a href={linkTo({ knot: place })} aria-label={texts.entries.open(number(entry.seq))}>{number(entry.seq)}</a></td>
    </tr>
  )
}

// Happened says in a line what an entry is about: from which stage to which a subject was moved, or the beginning of its payload.
function Happened({ entry }: { entry: Entry }) {
  const { payload } = entry
  if (entry.kind === 'quipu.transition' && isObject(payload) && typeof payload.from === 'string' && typeof payload.to === 'string') {
    return (
      <span>
        {payload.from ? <><Stranger text={payload.from} max={40} /> →</> : <span class="faint">{texts.entries.begins}</span>} <strong><Stranger text={payload.to} max={40} without={texts.entries.nothing} /></strong>
      </span>
    )
  }
  if (entry.payloadBase64 !== undefined) return <span><Stranger text={entry.contentType} max={40} without="" /> <span class="faint">{bytes(size(entry.payloadBase64))}</span></span>
  if (payload === undefined) return <span class="faint">{texts.entries.noPayload}</span>
  return <Stranger text={preview(payload)} max={160} />
}

// size is how many bytes base64 stands for.
function size(base64: string): number {
  return Math.floor(base64.replace(/=+$/, '').length * 3 / 4)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// preview writes a payload in a line: of an object its members one after the other, what they are in JSON where that is no text.
function preview(payload: unknown): string {
  const text = (value: unknown) => typeof value === 'string' ? value : JSON.stringify(value)
  const line = isObject(payload) ? Object.entries(payload).slice(0, 20).map(([name, value]) => `${name}: ${text(value)}`).join(', ') : text(payload)
  return (line || JSON.stringify(payload)).slice(0, 400)
}
