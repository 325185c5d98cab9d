import { beforeAll, describe, expect, test, vi } from 'vitest'
import { Brush } from './brush'
import { palettes } from './dyes'
import { beadPlaces, bundle, Painter, type Bead, type Look } from './draw'
import type { Answer, Cell, Cord } from './forms'
import { scene } from './scene'
import { Scale, silencesBetween } from './scale'
import type { Standing } from './standing'
import { brinks, ticks } from './ticks'
import { shares } from './ties'

// A canvas on which nothing is seen, and which counts what is drawn, whoever draws it.
let drawn = 0
const counted = new Set(['stroke', 'fill', 'fillRect', 'drawImage', 'fillText'])
const blank = () => new Proxy({}, {
  get: (_, name: string) => name === 'createPattern' ? () => null : name === 'createLinearGradient' ? () => ({ addColorStop: () => {} }) : () => { if (counted.has(name)) drawn++ },
  set: () => true,
}) as CanvasRenderingContext2D

beforeAll(() => {
  vi.stubGlobal('document', { createElement: () => ({ width: 0, height: 0, getContext: () => null }) })
})

const now = Date.parse('2026-05-01')
const hour = 3_600_000

// crowd is the answer about n cords with so many cells each, of three kinds, with silences between.
function crowd(n: number, cells: number, some: Partial<Cord> = {}): Answer {
  const span = 8192
  const cords = Array.from({ length: n }, (_, i): Cord => {
    const own: Cell[] = Array.from({ length: cells }, (_, k) => {
      const t = now - 1000 * hour + Math.floor(k / 40) * 30 * hour + k % 40 * 10 * span
      return [t, span, 9, 9 * k, 9 * k + 8, 0, 4, 1, 3, 2, 2]
    })
    return { author: String(i).padStart(64, '0'), entries: 9 * cells, before: 1, after: 1, first: -1, last: now * 4, next: 9 * cells, cells: own, ...some }
  })
  return {
    from: now - 1000 * hour, to: now, bucket: span, now, node: cords[0]!.author, cursor: '', kinds: ['a', 'b', 'c'], cords,
    all: cords[0]!.cells, others: { authors: 0, entries: 0 },
  }
}

// paint draws a frame, and says how many strokes it had.
function paint(answer: Answer, width: number, scale: Scale, standings: ReadonlyMap<string, Standing> = new Map()): { strokes: number, knots: number, entries: number } {
  const [left, height, head] = [76, 700, 96]
  const s = scene({ answer, scale, left, width, pan: 0, strokes: 4 * width, beads: 8, em: 1, standings, now, whole: { from: answer.from, to: answer.to } })
  const beads: Bead[] = Array.from({ length: 8 }, (_, i) => ({ name: 'f', done: i / 8, lag: 1, parked: 2, failing: false }))
  const look: Look = {
    width, height, head, left, font: 'serif', em: 1, still: false, ticks: ticks(scale, 46), brinks: brinks(scale, 1), beads, arrivals: [],
    label: () => 'name', folded: () => 'long', said: () => ['lacks', 'much'], stub: () => '2262', more: () => 'much', cords: () => 'some', dye: k => Math.max(0, k), focus: null,
  }
  const brush = new Brush(blank(), 1)
  const painter = new Painter(brush, palettes.light)
  painter.frame(s, look)
  drawn = 0
  painter.frame(s, look)
  expect(drawn).toBe(brush.strokes)
  const knots = s.hangings.flatMap(h => h.knots)
  return { strokes: brush.strokes, knots: knots.length, entries: knots.reduce((n, k) => n + k.n, 0) }
}

const wholeOf = (a: Answer) => {
  const silences = silencesBetween(a.all.map(c => ({ from: c[0]!, to: c[0]! + c[1]! })))
  return new Scale(600 / (1000 * hour) * 3, a.from, 20, 604, silences, 60)
}

describe.each([320, 800, 1280, 2560])('on %d pixels', width => {
  test.each([1, 5, 40, 200])('a frame of %d cords with 20,000 cells has at most four strokes a pixel', n => {
    for (const some of [{}, { held: [0, 3] }, { held: [], disputed: 90, trimmed: 20, floor: 9 }]) {
      const answer = crowd(n, Math.floor(20_000 / n), some)
      const whole = wholeOf(answer)
      for (const scale of [whole, whole.zoomed(300, 10), whole.zoomed(300, 300), whole.zoomed(100, 9000)]) {
        const { strokes } = paint(answer, width, scale)
        expect(strokes).toBeLessThanOrEqual(4 * width)
      }
    }
  })
})

test('no knot is left out where cords are many', () => {
  const answer = crowd(200, 100)
  const { entries, knots } = paint(answer, 1400, new Scale(600 / (1100 * hour), answer.from - hour, 0, 604, [], 60))
  expect(entries).toBe(200 * 100 * 9)
  expect(knots).toBe(600)
})

test('a member that is cut off, and one that lacks something, cost no more', () => {
  const answer = crowd(6, 50)
  const standings = new Map<string, Standing>(answer.cords.map((c, i) => [c.author, {
    own: false, cut: i % 2 === 0, heard: now, caughtUp: now - hour, lacks: 3, behind: 0, left: null, state: 'dead', why: [],
  }]))
  expect(paint(answer, 800, wholeOf(answer), standings).strokes).toBeLessThanOrEqual(4 * 800)
})

test('bundles grow with the number of their entries, for the eye', () => {
  const sizes = [2, 10, 100, 1000].map(n => bundle(n, 9, 200))
  for (let i = 1; i < sizes.length; i++) {
    expect(sizes[i]!.half / sizes[i - 1]!.half).toBeGreaterThan(1.25)
    expect(sizes[i]!.turns).toBeGreaterThanOrEqual(sizes[i - 1]!.turns + 2)
  }
  expect(bundle(1e9, 9, 20).half).toBeLessThanOrEqual(10)
})

test('the turns of a bundle are divided between its kinds', () => {
  expect(shares([90, 9, 1], 6)).toEqual([4, 1, 1])
  expect(shares([5], 3)).toEqual([3])
  expect(shares([3, 2, 1], 2)).toEqual([1, 1])
  expect(shares([1, 1, 1], 10).reduce((a, b) => a + b)).toBe(10)
})

test('beads that would hide each other stand side by side', () => {
  const bead = (done: number): Bead => ({ name: '', done, lag: 0, parked: 0, failing: false })
  const places = beadPlaces([bead(1), bead(0.5), bead(1), bead(1)], 0, 1000)
  const sorted = [...places].sort((a, b) => a - b)
  for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThanOrEqual(15)
  expect(places[1]).toBeLessThan(Math.min(places[0]!, places[2]!, places[3]!))
})
