import { fit, type Scale, silencesBetween } from '../cords/scale'
import { count, moment, number } from '../format'
import { checks as texts } from '../text'
import type { Seen, Sighting } from './sighting'

const height = 240, top = 14, apart = 40, row = 5, longest = 20

// Little is a bundle drawn small: the main cord, a cord for each of its first authors, and knots in time, from the top down. The
// table below says the same.
export function Little({ sighting, wrong, authors }: { sighting: Sighting, wrong: ReadonlySet<string>, authors: number }) {
  const cords = [...sighting.seen.values()].filter(seen => seen.at.size > 0)
  const times = cords.flatMap(seen => [...seen.at.keys()])
  if (times.length === 0) return null
  const from = times.reduce((a, b) => Math.min(a, b))
  const to = times.reduce((a, b) => Math.max(a, b)) + sighting.width
  const taken = times.map(t => ({ from: t, to: t + sighting.width }))
  const scale = fit(from, to, height - top - 24, silencesBetween(taken), longest)
  const width = Math.max(240, apart * (cords.length + 1))
  const left = (width - apart * (cords.length - 1)) / 2
  const drawn = cords.map(seen => knotsOf(seen, scale, sighting.width))
  const deepest = Math.max(...drawn.map(c => c.foot)) + 16
  return (
    <figure class="little">
      <svg viewBox={`0 0 ${width} ${deepest}`} width={width} height={deepest} role="img" aria-label={texts.bundle.picture(count(cords.length, 'author', 'authors'), time(from), time(to))}>
        {cords.map((seen, i) => <Cord key={seen.author} drawn={drawn[i]!} x={left + apart * i} scale={scale} wrong={wrong.has(seen.author)} />)}
        <path class="main" d={`M4 ${top} H${width - 4}`} />
      </svg>
      {authors > cords.length && <figcaption class="faint">{texts.bundle.pictureMore(number(authors - cords.length))}</figcaption>}
    </figure>
  )
}

interface Drawn { knots: { y: number, n: number }[], foot: number }

// knotsOf gives the heights of an author's knots. Those that would lie on each other are one, which is the larger.
function knotsOf(seen: Seen, scale: Scale, width: number): Drawn {
  const rows = new Map<number, number>()
  for (const [t, n] of seen.at) {
    const y = top + 8 + Math.round(scale.y(t + width / 2) / row) * row
    rows.set(y, (rows.get(y) ?? 0) + n)
  }
  const knots = [...rows].map(([y, n]) => ({ y, n }))
  return { knots, foot: knots.reduce((foot, k) => Math.max(foot, k.y), 0) }
}

function Cord({ drawn: { knots, foot }, x, scale, wrong }: { drawn: Drawn, x: number, scale: Scale, wrong: boolean }) {
  // A silence that is folded is a short frayed zigzag.
  let line = `M${x} ${top}`
  for (const fold of scale.folds) {
    const y = top + 8 + fold.y
    if (y > foot) break
    line += ` V${(y + 5).toFixed(1)}l4 2 -8 3 8 3 -4 2`
  }
  return (
    <g class={wrong ? 'wrong' : ''}>
      <path class="cord" d={`${line} V${(foot + 8).toFixed(1)}`} />
      {knots.map(({ y, n }) => <circle key={y} class="knots" cx={x} cy={y} r={Math.min(8, 2.2 + 1.4 * Math.log10(n)).toFixed(1)} />)}
    </g>
  )
}

function time(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? moment(ms) : texts.bundle.noTime
}
