import { describe, expect, test } from 'vitest'
import { about, linkOf, moved, nearer, over, scaleOf, under, windowOf, wholeScale, type Bounds } from './view'

const day = 86_400_000
const b: Bounds = { first: 0, now: 3000 * day, depth: 700, silences: [{ from: 100 * day, to: 2000 * day }] }

describe('a view', () => {
  test('of the whole log has it between its margins', () => {
    const s = scaleOf('whole', b)
    expect(s.y(b.first)).toBeCloseTo(over)
    expect(s.y(b.now)).toBeCloseTo(700 - under)
  })
  test('goes into a link and comes back', () => {
    for (const [from, to] of [[20 * day, 90 * day], [50 * day, 2500 * day], [2900 * day, null]] as const) {
      const view = windowOf(from, to, b)
      const s = scaleOf(view, b)
      const link = linkOf(view, s)
      expect(link.from! / day).toBeCloseTo(from / day, 3)
      if (to !== null) expect(link.to! / day).toBeCloseTo(to / day, 3)
      expect(link.follow).toBe(to === null)
    }
    expect(linkOf(windowOf(null, null, b), wholeScale(b))).toEqual({ from: null, to: null, follow: true })
  })
  test('that is zoomed out past all is that of the whole', () => {
    const s = scaleOf(windowOf(20 * day, 90 * day, b), b)
    expect(moved(s.zoomed(100, 1e-6), b)).toBe('whole')
  })
  test('cannot be panned off the log', () => {
    const s = scaleOf(windowOf(20 * day, 90 * day, b), b)
    const top = scaleOf(moved(s.panned(-1e6), b), b)
    expect(top.y(b.first)).toBeCloseTo(over)
    const foot = moved(s.panned(1e9), b)
    expect(scaleOf(foot, b).y(b.now)).toBeCloseTo(700 - under)
    expect(foot).toMatchObject({ follow: true })
  })
  test('that follows keeps the present in its place while time goes on', () => {
    const view = windowOf(2990 * day, null, b)
    for (const later of [0, 5, 40]) {
      const s = scaleOf(view, { ...b, now: b.now + later * day })
      expect(s.y(b.now + later * day)).toBeCloseTo(700 - under)
    }
  })
  test('passes what looks the same at every zoom, and comes back', () => {
    // A cluster of ten seconds, alone among points that are years apart.
    const year = 365 * day
    const points = Array.from({ length: 40 }, (_, i) => i * year)
    const silences = points.slice(1).flatMap((p, i) => i === 20 ? [{ from: points[i]!, to: p - 10_000 }] : [{ from: points[i]!, to: p }])
    const sparse: Bounds = { first: 0, now: 39 * year, depth: 700, silences }
    const cluster = points[21]! - 5000
    let s = wholeScale(sparse)
    let steps = 0
    for (; s.density * 10_000 < 100 && steps < 60; steps++) s = nearer(s, s.y(cluster), 1.6)
    expect(steps).toBeLessThan(20)
    expect(s.y(points[21]!) - s.y(points[21]! - 10_000)).toBeGreaterThan(50)
    for (steps = 0; s.density > wholeScale(sparse).density && steps < 60; steps++) s = nearer(s, s.y(cluster), 1 / 1.6)
    expect(steps).toBeLessThan(20)
  })
  test('does not go nearer to where nothing is', () => {
    const silences = Array.from({ length: 40 }, (_, i) => ({ from: i * day, to: (i + 1) * day }))
    const points: Bounds = { first: 0, now: 40 * day, depth: 700, silences }
    let s = wholeScale(points)
    for (let i = 0; i < 100; i++) s = nearer(s, 350, 1.6)
    expect(s.density).toBeLessThan(1)
  })
  test('about a stretch has it in the middle', () => {
    const s = scaleOf(about(40 * day, 50 * day, b), b)
    expect(s.y(45 * day)).toBeCloseTo(350)
    expect(s.y(50 * day) - s.y(40 * day)).toBeGreaterThan(300)
  })
})
