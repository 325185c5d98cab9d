import { expect, test } from 'vitest'
import { edge } from './tear'

test('an edge goes from side to side, near to its height, and is the same however often it is drawn', () => {
  const points = edge(1_234_567_890_123, 0, 700, 50)
  const xs = points.filter((_, i) => i % 2 === 0)
  expect(xs[0]).toBeLessThan(3)
  expect(xs[xs.length - 1]).toBe(700)
  for (let i = 1; i < xs.length; i++) expect(xs[i]!).toBeGreaterThan(xs[i - 1]! - 0.001)
  for (let i = 1; i < points.length; i += 2) expect(Math.abs(points[i]! - 50)).toBeLessThan(3)
  expect(edge(1_234_567_890_123, 0, 700, 50)).toEqual(points)
  expect(edge(1_234_567_890_124, 0, 700, 50)).not.toEqual(points)
})
