import { expect, test } from 'vitest'
import { column, columns, labelled } from './columns'

test('five cords hang in the middle, and no farther apart than they may', () => {
  const c = columns(5, 64, 2560, 0)
  expect(c.apart).toBe((2560 - 64) / 8)
  expect(columns(5, 64, 1500, 0).apart).toBe(240)
  expect((c.x[0]! + c.x[4]!) / 2).toBeCloseTo((64 + 2560) / 2)
  expect(c.pannable).toBe(0)
})

test('two hundred cords on a phone keep their distance and are panned', () => {
  const c = columns(200, 48, 320, 0)
  expect(c.apart).toBe(5)
  expect(c.pannable).toBe(200 * 5 - (320 - 48))
  const end = columns(200, 48, 320, 1e9)
  expect(end.x[199]! + 2.5).toBeCloseTo(320)
  expect(columns(200, 48, 320, -5).x[0]).toBe(c.x[0])
})

test('the nearest cord is found, within reach', () => {
  const c = columns(10, 0, 1000, 0)
  for (let i = 0; i < 10; i++) expect(column(c, c.x[i]! + 20, 30)).toBe(i)
  expect(column(c, c.x[9]! + 45, 30)).toBe(-1)
  expect(column(columns(0, 0, 100, 0), 5, 30)).toBe(-1)
})

test('labels have room, and the first one asked for is there', () => {
  const c = columns(100, 0, 1000, 0)
  const shown = labelled(c, 25, 7)
  expect(shown[7]).toBe(true)
  let before = -1
  shown.forEach((s, i) => {
    if (!s) return
    if (before >= 0) expect(c.x[i]! - c.x[before]!).toBeGreaterThanOrEqual(25)
    before = i
  })
})
