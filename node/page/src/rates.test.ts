import { expect, test } from 'vitest'
import { rates } from './rates'

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

test('what is counted is in the columns, whole', () => {
  const made = rates([[0, 1, 3, 0, 2, 0, 2, 1, 1], [50, 20, 10, 0, 9, 0, 10], [99, 1, 1, 0, 0]], 0, 100, 10, 2)
  expect(sum(made.total)).toBeCloseTo(14)
  expect(made.total[0]).toBe(3)
  expect(made.total.slice(5, 7)).toEqual([5, 5])
  expect(made.kinds.map(sum)).toEqual([12, 1])
  expect(made.step).toBe(10)
})

test('a cell that reaches over the window counts with its part', () => {
  expect(sum(rates([[-10, 20, 10, 0, 9]], 0, 100, 7, 0).total)).toBeCloseTo(5)
})

test('a window without width has columns all the same', () => {
  expect(rates([[5, 1, 2, 0, 1]], 5, 5, 4, 0).total).toEqual([2, 0, 0, 0])
})
