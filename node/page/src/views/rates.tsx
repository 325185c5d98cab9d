import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { address } from '../api/call'
import { onArrivals } from '../arrivals'
import { count, moment, number, span } from '../format'
import { curl, folder } from '../node'
import { flags } from '../query'
import { rates, type Cell, type Rates as Columns } from '../rates'
import { useResource } from '../resource'
import { fitted, quoted, Stranger } from '../safe'
import { command } from '../shell'
import { author, from, kind, subject, to } from '../state'
import { Telling } from '../telling'
import { texts } from '../text'
import { theme } from '../theme'
import { Refusal, Waiting } from './refusal'

interface Counted { from: number, to: number, kinds?: string[], cords?: { cells: Cell[] }[], all?: Cell[] }

const t = texts.rates

// So many columns at most, and so many kinds beside the total: more lines than that cannot be told apart.
const columns = 120, most = 4

// widths are those that a column may have, in seconds: each can be said in words as it is.
const month = 30.44 * 86400, year = 365.25 * 86400
const widths = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400, month, 2 * month, 3 * month, 6 * month, year, 2 * year, 5 * year, 10 * year]

// Rates is how many entries came when: of what the filters take, by kind, and in these minutes as they come.
export function Rates() {
  const params = { from: from.value, to: to.value, width: columns * 4, author: author.value, kind: kind.value }
  const got = useResource<Counted>('/v1/cords', params, 15_000)
  if (got.error && !got.value) return <Refusal of={got.error} />
  if (!got.value) return <Waiting />
  const counted = got.value
  const cells = author.value.length === 0 ? counted.all ?? [] : counted.cords?.flatMap(c => c.cells) ?? []
  const names = (counted.kinds ?? []).slice(0, most)
  // One kind alone is the total.
  const kinds = (counted.kinds ?? []).length > 1 ? names : []
  // A window of a moment is shown as a minute: a column of less than half a second says nothing.
  const pad = Math.max(0, (60_000 - (counted.to - counted.from)) / 2)
  const begin = Math.floor(counted.from - pad), end = Math.ceil(counted.to + pad)
  const step = 1000 * (widths.find(w => w * 1000 * columns >= end - begin) ?? (end - begin) / columns / 1000)
  const n = Math.max(1, Math.ceil((end - begin) / step))
  const made = rates(cells, begin, begin + n * step, n, kinds.length)
  const sum = made.total.reduce((a, b) => a + b, 0)
  const peak = made.total.indexOf(Math.max(...made.total))
  const taken = { author: author.value, kind: kind.value, subject: subject.value, from: from.value, to: to.value }
  return (
    <>
      {subject.value && <p class="faint">{t.noSubject}</p>}
      <h2>{t.window(span(step / 1000).replace(/^1 /, ''))}</h2>
      <Plot of={made} kinds={kinds} />
      <details><summary>{t.table}</summary><Table of={made} kinds={kinds} /></details>
      <h2>{t.now}</h2>
      <Now />
      <Telling words={t.words(count(Math.round(sum), 'entry', 'entries'), moment(begin), moment(end), count(Math.round(made.total[peak] ?? 0), 'entry', 'entries'), moment(made.times[peak] ?? begin), names.map(k => quoted(k, 40)))}
        commands={[command('quipu', 'stats', ['--dir', folder.value], ...flags(taken)), curl(address('/v1/cords', params))]} />
    </>
  )
}

function Plot({ of, kinds }: { of: Columns, kinds: readonly string[] }) {
  const place = useRef<HTMLDivElement>(null)
  const look = theme.value
  useEffect(() => {
    const el = place.current
    if (!el) return
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const stepped = uPlot.paths.stepped!({ align: 1 })
    const axis = { stroke: colour('--faint'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 }, font: '14px system-ui, sans-serif' }
    // Lines differ by pattern as well as by colour.
    const lines: uPlot.Series[] = kinds.map((k, i) => ({ label: fitted(k, 24), stroke: colour(`--series-${i + 1}`), width: 1.5, paths: stepped, points: { show: false }, dash: [[6, 3], [2, 3], [10, 3, 2, 3], [1, 1]][i]! }))
    const plot = new uPlot({
      width: el.clientWidth, height: 260, series: [{}, { label: t.total, stroke: colour('--accent'), fill: colour('--wash'), width: 2, paths: stepped, points: { show: false } }, ...lines],
      axes: [{ ...axis, values: (_, splits) => splits.map(s => label(s * 1000, of.step * of.times.length)), space: 84 }, { ...axis, size: 56, incrs: [1, 2, 5].flatMap(n => Array.from({ length: 10 }, (_, i) => n * 10 ** i)).sort((a, b) => a - b) }], tzDate: ts => uPlot.tzDate(new Date(ts * 1000), 'UTC'), scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] } },
      legend: { show: kinds.length > 0, live: false }, cursor: { drag: { x: false, y: false } },
    }, [of.times.map(ms => ms / 1000), of.total, ...of.kinds], el)
    const resized = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height: 260 }))
    resized.observe(el)
    return () => {
      resized.disconnect()
      plot.destroy()
    }
  }, [of.times[0], of.step, of.total.join(), look])
  return <div class="plot" ref={place} aria-hidden="true" />
}

// label writes a time on the axis as finely as the columns are: in UTC, from years to seconds.
function label(ms: number, shown: number): string {
  const iso = new Date(ms).toISOString()
  const whole = shown / 1000
  if (whole > 4 * 365 * 86400) return iso.slice(0, 4)
  if (whole > 60 * 86400) return iso.slice(0, 7)
  if (whole > 2 * 86400) return iso.slice(5, 10)
  return whole > 600 ? iso.slice(11, 16) : iso.slice(11, 19)
}

function Table({ of, kinds }: { of: Columns, kinds: readonly string[] }) {
  const rows = of.times.map((time, i) => ({ time, i })).filter(({ i }) => of.total[i]! > 0)
  return (
    <table role="table">
      <caption class="hidden">{t.table}</caption>
      <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">{t.from(span(of.step / 1000))}</th><th role="columnheader" scope="col">{t.total}</th>{kinds.map(k => <th key={k} role="columnheader" scope="col"><Stranger text={k} max={24} /></th>)}</tr></thead>
      <tbody role="rowgroup">{rows.map(({ time, i }) => (
        <tr key={time} role="row"><td role="cell">{moment(time)}</td><td role="cell" class="amount">{number(Math.round(of.total[i]!))}</td>{of.kinds.map((k, j) => <td key={j} role="cell" class="amount">{number(Math.round(k[i]!))}</td>)}</tr>
      ))}</tbody>
    </table>
  )
}

// Now counts what comes, by the second, while it is looked at.
function Now() {
  const [seconds, set] = useState<number[]>(() => new Array<number>(60).fill(0))
  const waiting = useRef(0)
  useEffect(() => {
    const stop = onArrivals(a => { waiting.current += a.many || a.entries.length })
    const timer = setInterval(() => {
      const came = waiting.current
      waiting.current = 0
      set(s => [...s.slice(1), came])
    }, 1000)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [])
  const highest = Math.max(1, ...seconds), last = seconds[seconds.length - 1]!
  return (
    <>
      <svg class="now" viewBox="0 0 240 48" preserveAspectRatio="none" aria-hidden="true">
        {seconds.map((n, i) => n > 0 && <rect key={i} x={i * 4} width="3" y={48 - 46 * n / highest} height={46 * n / highest} />)}
      </svg>
      <p>{t.perSecond(number(last), number(seconds.reduce((a, b) => a + b, 0)))}</p>
    </>
  )
}
