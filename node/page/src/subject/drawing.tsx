import { useEffect, useRef, useState } from 'preact/hooks'
import { fitted } from '../safe'
import { texts } from '../text'
import type { Diagram, Edge, Mark, Spot } from './history'

// Sizes of the drawing in its own units, which are CSS pixels where there is room for it.
const box = { width: 132, height: 38 }, gap = { along: 74, across: 26 }, edgeRoom = 46

interface Point { x: number, y: number }

// Drawing is the state diagram of a history: stages as boxes, moves as arrows with the numbers of the steps that took them.
// It says nothing that the list below it does not say, so who does not see it misses nothing. It goes from left to right where it has
// room for that, and else down; it is never made smaller, since its words would be. open is the number of the step whose entry is open.
export function Drawing({ of, now, contested, open }: { of: Diagram, now: string | undefined, contested: readonly string[], open: number | undefined }) {
  const place = useRef<HTMLDivElement>(null)
  const [room, setRoom] = useState(0)
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => setRoom(entry!.contentRect.width))
    resized.observe(place.current!)
    return () => resized.disconnect()
  }, [])
  const down = room < of.ranks * box.width + (of.ranks - 1) * gap.along + 2 * edgeRoom
  const along = down ? box.height : box.width, across = down ? box.width : box.height
  const length = of.ranks * along + (of.ranks - 1) * (down ? 44 : gap.along) + 2 * edgeRoom
  const breadth = of.lanes * across + (of.lanes - 1) * gap.across + 2 * edgeRoom
  const lanes = new Map<number, number>()
  for (const s of of.spots) lanes.set(s.rank, (lanes.get(s.rank) ?? 0) + 1)
  const centre = (spot: Spot): Point => {
    const a = edgeRoom + along / 2 + spot.rank * (along + (down ? 44 : gap.along))
    const used = lanes.get(spot.rank)! * (across + gap.across) - gap.across
    const c = breadth / 2 - used / 2 + across / 2 + spot.lane * (across + gap.across)
    return down ? { x: c, y: a } : { x: a, y: c }
  }
  const at = new Map(of.spots.map(s => [s.stage, { spot: s, ...centre(s) }]))
  const width = down ? breadth : length, height = down ? length : breadth
  return (
    <div class="scroll" ref={place} role="group" aria-label={texts.subject.diagram} tabIndex={0}>
      <svg class="diagram" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="11" markerHeight="11" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" /></marker>
        </defs>
        {of.edges.map(e => <Move key={JSON.stringify([e.from, e.to])} edge={e} from={at.get(e.from)!} to={at.get(e.to)!} down={down} open={e.steps.some(s => s.n === open)} />)}
        {of.spots.map(s => {
          const p = at.get(s.stage)!
          const kind = s.stage === now ? 'stage now' : contested.includes(s.stage) ? 'stage contested' : 'stage'
          return s.stage === ''
            ? <circle key="" class="begin" cx={p.x} cy={p.y} r="9" />
            : (
              <g key={s.stage} class={kind}>
                <rect x={p.x - box.width / 2} y={p.y - box.height / 2} width={box.width} height={box.height} rx="7" />
                <text x={p.x} y={p.y + 5}>{fitted(s.stage, 14)}</text>
              </g>
            )
        })}
      </svg>
    </div>
  )
}

type End = Point & { spot: Spot }

function Move({ edge, from, to, down, open }: { edge: Edge, from: End, to: End, down: boolean, open: boolean }) {
  const { d, label } = path(from, to, down)
  const kind = ['move', ...edge.marks, edge.steps.length === 0 ? 'unused' : '', open ? 'open' : ''].join(' ').trim()
  return (
    <g class={kind}>
      <path class="line" d={d} marker-end="url(#arrow)" />
      {edge.marks.includes('concurrent') && <path class="inner" d={d} />}
      {edge.steps.length > 0 && (
        <text class="steps" x={label.x} y={label.y + 4}>{numbers(edge)}{signs(edge.marks)}</text>
      )}
    </g>
  )
}

function numbers(edge: Edge): string {
  const all = edge.steps.map(s => s.n)
  return all.length <= 3 ? all.join(', ') : `${all[0]}, ${all[1]} … ${all[all.length - 1]}`
}

function signs(marks: readonly Mark[]): string {
  return marks.map(m => ` ${texts.subject.marks[m].sign}`).join('')
}

// path leads from one box to another: forward from edge to edge, back in a bow around what stands between, and to itself in a loop.
function path(from: End, to: End, down: boolean): { d: string, label: Point } {
  const half = down ? box.height / 2 : box.width / 2
  const side = down ? box.width / 2 : box.height / 2
  const start = from.spot.stage === '' ? 9 : half
  const point = (p: Point, along: number, across: number): Point => down ? { x: p.x + across, y: p.y + along } : { x: p.x + along, y: p.y + across }
  const curve = (a: Point, b: Point, c: Point, e: Point) => ({
    d: `M${a.x} ${a.y}C${b.x} ${b.y} ${c.x} ${c.y} ${e.x} ${e.y}`,
    label: { x: (a.x + 3 * b.x + 3 * c.x + e.x) / 8, y: (a.y + 3 * b.y + 3 * c.y + e.y) / 8 },
  })
  if (from.spot.stage === to.spot.stage) {
    return curve(point(from, -14, -side), point(from, -26, -side - 30), point(from, 26, -side - 30), point(from, 14, -side))
  }
  const over = to.spot.rank - from.spot.rank
  if (over === 1) {
    const a = point(from, start, 0), b = point(to, -half, 0)
    const reach = (down ? b.y - a.y : b.x - a.x) / 2
    return curve(a, point(a, reach, 0), point(b, -reach, 0), b)
  }
  // Far forward on one side, back on the other, further out the further it goes.
  const bow = (24 + 9 * Math.min(4, Math.abs(over))) * (over > 0 ? -1 : 1)
  const out = over > 0 ? -side : side
  const a = point(from, over > 0 ? half / 2 : -half / 3, from.spot.stage === '' ? 0 : out), b = point(to, over > 0 ? -half / 3 : half / 2, out)
  return curve(a, point(a, (over > 0 ? 1 : -1) * 20, bow), point(b, (over > 0 ? -1 : 1) * 20, bow), b)
}
