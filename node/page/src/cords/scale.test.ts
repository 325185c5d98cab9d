import { describe, expect, test } from 'vitest'
import { densest, fit, last, Scale, silencesBetween } from './scale'

const day = 86_400_000
const longest = 60

describe('a scale', () => {
  const silences = [{ from: 10 * day, to: 400 * day }, { from: 410 * day, to: 411 * day }, { from: 500 * day, to: 9000 * day }]
  const whole = fit(0, 9010 * day, 700, silences, longest)

  test('shows exactly what it was asked for', () => {
    expect(whole.y(0)).toBeCloseTo(0)
    expect(whole.y(9010 * day)).toBeCloseTo(700)
    expect(whole.from).toBeCloseTo(0)
    expect(whole.to / day).toBeCloseTo(9010)
  })

  test('folds the long silences and no short one', () => {
    expect(whole.folds.map(f => f.from / day)).toEqual([10, 500])
    for (const f of whole.folds) {
      expect(f.height).toBe(longest)
      expect(whole.y(f.from)).toBeCloseTo(f.y)
      expect(whole.y(f.to)).toBeCloseTo(f.y + longest)
    }
  })

  test('leads back from every height', () => {
    for (let y = -300; y < 1000; y += 7) expect(whole.y(whole.t(y))).toBeCloseTo(y)
  })

  test('never turns back', () => {
    let before = -Infinity
    for (let t = -100; t < 9100; t++) {
      const y = whole.y(t * day)
      expect(y).toBeGreaterThan(before)
      before = y
    }
  })

  test('fits itself again after a pan, also where a fold is cut by an edge', () => {
    for (const by of [-250, -31, 3, 70, 333, 640]) {
      const panned = whole.panned(by)
      expect(panned.density).toBe(whole.density)
      expect(panned.y(whole.t(by))).toBeCloseTo(0)
      const again = fit(panned.from, panned.to, 700, silences, longest)
      expect(again.density / panned.density).toBeCloseTo(1)
    }
  })

  test('keeps the time under the pointer while it zooms', () => {
    for (const y of [0, 123, 350, 699]) {
      const near = whole.zoomed(y, 3)
      expect(near.y(whole.t(y))).toBeCloseTo(y)
      expect(near.density).toBeCloseTo(whole.density * 3)
    }
  })

  test('has no jump while a silence comes to be folded', () => {
    let scale = new Scale(longest / day * 0.9, 410 * day, 300, 700, silences, longest)
    let before = scale.y(411 * day)
    for (let i = 0; i < 200; i++) {
      scale = scale.zoomed(300, 1.002)
      const y = scale.y(411 * day)
      expect(Math.abs(y - before)).toBeLessThan(0.5)
      before = y
    }
    expect(before - 300).toBeCloseTo(longest)
  })
})

test('what is nearer than the densest ends above the foot', () => {
  const scale = fit(0, 3 * day, 700, [{ from: 0, to: day }, { from: day + 1, to: 3 * day }], longest)
  expect(scale.density).toBe(densest)
  expect(scale.y(3 * day)).toBeCloseTo(2 * longest + densest)
})

test('a moment alone can be shown', () => {
  const scale = fit(5, 5, 100, [], longest)
  expect(scale.y(5)).toBe(0)
  expect(Number.isFinite(scale.t(100))).toBe(true)
})

test('silences lie between what is taken, whatever the order', () => {
  expect(silencesBetween([{ from: 9, to: 10 }, { from: 0, to: 2 }, { from: 1, to: 3 }, { from: 3, to: 4 }])).toEqual([{ from: 4, to: 9 }])
  expect(silencesBetween([])).toEqual([])
})

test('last finds the end of what holds', () => {
  expect([0, 1, 2, 3].map(n => last(3, i => i < n))).toEqual([-1, 0, 1, 2])
})
