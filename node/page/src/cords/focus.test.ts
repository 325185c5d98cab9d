import { describe, expect, test } from 'vitest'
import { knotOf, nearest, on } from './focus'
import { inseparable, type Knot } from './knots'

const knot = (y: number, from: number, to: number, lo: number, hi: number, n = hi - lo + 1): Knot => ({ y, height: 20, from, to, n, lo, hi, kinds: [] })

describe('a focus', () => {
  // Their writer wrote of the year at its end, so that each knot reaches over almost all seqs.
  const years = [knot(100, 2000, 2001, 0, 90, 12), knot(200, 2001, 2002, 10, 91, 12), knot(300, 2002, 2003, 20, 92, 12), knot(400, 2003, 2003, 85, 85)]

  test('stays on the knot that was hit, whatever seqs the others reach over', () => {
    for (const [i, k] of years.entries()) expect(knotOf(years, on(nearest(years, k.y, 14)))).toBe(i)
  })
  test('is on the narrowest knot where no time is known', () => {
    expect(knotOf(years, { seq: 85, at: null })).toBe(3)
    expect(knotOf(years, { seq: 5, at: null })).toBe(0)
  })
  test('is on none where no knot has the entry, or there is none', () => {
    expect(knotOf(years, { seq: 93, at: 2000 })).toBe(-1)
    expect(knotOf(years, on(null))).toBe(-1)
  })
  test('goes to a part of its knot that is nearer', () => {
    const parts = [knot(50, 2000, 2000.4, 0, 90, 6), knot(150, 2000.5, 2001, 3, 80, 6)]
    expect(knotOf(parts, on(years[0]!))).toBe(0)
  })
})

test('entries of one moment are taken apart by no zoom', () => {
  expect(inseparable(knot(0, 5, 6, 1, 2))).toBe(true)
  expect(inseparable(knot(0, 5, 7, 1, 2))).toBe(false)
  expect(inseparable(knot(0, 5, 5, 1, 1))).toBe(false)
})
