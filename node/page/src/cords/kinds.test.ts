import { expect, test } from 'vitest'
import { Dyer, dyes, other, sum } from './kinds'

test('twelve kinds have a dye each, and the rest is other', () => {
  const dyer = new Dyer()
  const kinds = Array.from({ length: 20 }, (_, i) => `order.${i}`)
  dyer.meet(kinds)
  expect(new Set(kinds.slice(0, dyes).map(k => dyer.dye(k))).size).toBe(dyes)
  expect(kinds.slice(dyes).map(k => dyer.dye(k))).toEqual(new Array(8).fill(other))
  expect(dyer.kinds).toEqual(kinds.slice(0, dyes))
})

test('a kind keeps its dye, whoever comes later', () => {
  const dyer = new Dyer()
  dyer.meet(['a', 'b'])
  const before = [dyer.dye('a'), dyer.dye('b')]
  dyer.meet(['c', 'b', 'd', 'a'])
  expect([dyer.dye('a'), dyer.dye('b')]).toEqual(before)
})

test('the first kind has the dye of its name', () => {
  const dyer = new Dyer()
  dyer.meet(['order.paid'])
  expect(dyer.dye('order.paid')).toBe(sum('order.paid') % dyes)
})

test('a name out of the prototype is a name like others', () => {
  const dyer = new Dyer()
  dyer.meet(['__proto__', 'constructor'])
  expect(dyer.dye('__proto__')).toBeLessThan(dyes)
  expect(dyer.dye('toString')).toBe(other)
})
