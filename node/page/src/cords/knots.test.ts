import { describe, expect, test } from 'vitest'
import type { Cell } from './forms'
import { grid, groups, tie, unnamed, visible } from './knots'
import { Scale } from './scale'

const second = 1000
const scale = (density: number, from = 0) => new Scale(density, from, 0, 600, [], 60)
const single = (t: number, seq: number, kind: number): Cell => [t, 1, 1, seq, seq, kind, 1]
const all = (cells: readonly Cell[]): [number, number] => [0, cells.length]

describe('knots', () => {
  const cells: Cell[] = [single(1 * second, 0, 0), single(2 * second, 1, 2), [8 * second, 4 * second, 10, 2, 11, 0, 3, 1, 5], single(60 * second, 12, 1)]

  test('stand alone where there is room', () => {
    const knots = tie(cells, all(cells), scale(0.1), grid(scale(0.1), 10), [])
    expect(knots.map(k => k.n)).toEqual([1, 1, 10, 1])
    expect(knots.map(k => k.lo)).toEqual([0, 1, 2, 12])
    expect(knots[1]).toMatchObject({ y: 200, height: 0, kinds: [[2, 1]] })
    expect(knots[2]).toMatchObject({ y: 1000, height: 400, kinds: [[1, 5], [0, 3], [unnamed, 2]] })
  })

  test('are one where they stand too near, and nothing is lost', () => {
    const far = scale(0.0001)
    const knots = tie(cells, all(cells), far, grid(far, 10), [])
    expect(knots).toHaveLength(1)
    expect(knots[0]).toMatchObject({ n: 13, lo: 0, hi: 12, from: 1 * second, to: 60 * second + 1 })
    expect(knots[0]!.kinds).toEqual([[1, 6], [0, 4], [unnamed, 2], [2, 1]])
  })

  test('are the same after a pan, but for where they are', () => {
    const many = Array.from({ length: 500 }, (_, i) => single(i * 977, i, i % 3))
    const before = scale(0.004)
    for (const by of [1, 7.3, 31]) {
      const after = before.panned(by)
      expect(grid(after, 10)).toBe(grid(before, 10))
      const a = tie(many, all(many), before, grid(before, 10), [])
      const b = tie(many, all(many), after, grid(after, 10), [])
      expect(b.map(k => [k.n, k.lo])).toEqual(a.map(k => [k.n, k.lo]))
      expect(b[3]!.y - a[3]!.y).toBeCloseTo(-by)
    }
  })

  test('are not tied across a fold', () => {
    const some: Cell[] = [single(1 * second, 0, 0), single(2 * second, 1, 0), single(900 * second, 2, 0), single(901 * second, 3, 0)]
    const folded = new Scale(0.01, 0, 0, 600, [{ from: 2 * second, to: 900 * second }], 44)
    expect(tie(some, all(some), folded, 2 ** 40, folded.folds).map(k => [k.lo, k.hi])).toEqual([[0, 1], [2, 3]])
    expect(groups(some, all(some), 2 ** 40, folded.folds)).toBe(2)
    expect(groups(some, all(some), 2 ** 40, [])).toBe(1)
  })

  test('are as many as counted before', () => {
    const many = Array.from({ length: 500 }, (_, i) => single(i * i * 10, i, 0))
    for (const pixels of [5, 10, 20, 40]) {
      const s = scale(0.001)
      expect(tie(many, all(many), s, grid(s, pixels), [])).toHaveLength(groups(many, all(many), grid(s, pixels), []))
    }
  })
})

test('visible are the cells that reach into the window', () => {
  const cells: Cell[] = [single(0, 0, 0), [1000, 5000, 9, 1, 9, 0, 9], single(9000, 10, 0), single(20000, 11, 0)]
  expect(visible(cells, new Scale(0.1, 5000, 0, 600, [], 60), 0)).toEqual([1, 3])
  expect(visible(cells, new Scale(0.1, 30000, 0, 600, [], 60), 0)).toEqual([4, 4])
  expect(visible([], scale(1), 0)).toEqual([0, 0])
})
