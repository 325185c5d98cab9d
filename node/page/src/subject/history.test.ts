import { expect, test } from 'vitest'
import type { Transition } from '../api/forms'
import { allowed, concurrent, diagram, steps } from './history'

function move(from: string, to: string, ...notes: string[]): Transition {
  return { place: `${'0'.repeat(64)}/0`, op: 'f'.repeat(64), clock: '0.0', time: '2000-01-01T00:00:00Z', subject: 's', from, to, ...(notes.length ? { notes } : {}) }
}

test('stages stand behind those that lead to them, and what leads back moves nobody', () => {
  const { spots, ranks, lanes } = diagram(steps([move('', 'draft'), move('draft', 'active'), move('active', 'draft'), move('draft', 'final'), move('active', 'final'), move('draft', 'withdrawn')]))
  expect(Object.fromEntries(spots.map(s => [s.stage, s.rank]))).toEqual({ '': 0, draft: 1, active: 2, withdrawn: 2, final: 3 })
  expect([ranks, lanes]).toEqual([4, 2])
  expect(new Set(spots.map(s => `${s.rank} ${s.lane}`)).size).toBe(spots.length)
})

test('a history that turns in circles has an end, and so has a long one', () => {
  expect(diagram(steps([move('a', 'b'), move('b', 'c'), move('c', 'a'), move('a', 'a')])).spots.map(s => s.rank)).toEqual([0, 1, 2])
  const long = Array.from({ length: 20_000 }, (_, i) => move(String(i), String(i + 1)))
  expect(diagram(steps(long)).ranks).toBe(20_001)
})

test('moves between the same stages are one edge, with all that is odd about any of them', () => {
  const { edges } = diagram(steps([move('a', 'b'), move('a', 'b', 'concurrent with x', 'early: y does not come before it'), move('a', 'b', 'concurrent with z')]))
  expect(edges.map(e => [e.steps.map(s => s.n), e.marks])).toEqual([[[1, 2, 3], ['concurrent', 'early']]])
})

test('a finding against the machine marks its own move alone', () => {
  const legal = move('a', 'b'), illegal = { ...move('b', 'a'), place: `${'1'.repeat(64)}/1` }
  const found = steps([legal, illegal], [{ class: 'illegal', why: 'no', transition: illegal }, { class: 'concurrent', why: 'too', transition: legal }])
  expect(found.map(s => s.marks)).toEqual([[], ['illegal']])
})

test('a machine adds the moves that nobody made', () => {
  const { edges } = diagram(steps([move('', 'a')]), [{ from: 'a', to: 'b' }])
  expect(edges.map(e => [e.from, e.to, e.steps.length, e.allowed ?? false])).toEqual([['', 'a', 1, false], ['a', 'b', 0, true]])
})

test('what a move is concurrent with is told by its number', () => {
  const one = { ...move('', 'a'), place: `${'1'.repeat(64)}/4`, op: 'abcdef0123456789'.repeat(4) }
  const other = { ...move('', 'b', `concurrent with ${one.place}@abcdef0123456789`, 'early: nothing'), place: `${'2'.repeat(64)}/4` }
  const history = steps([one, { ...one, op: 'f'.repeat(64) }, other])
  expect(concurrent(history[2]!, history)).toEqual([1])
})

test('a machine that allows a move from anywhere allows it from each state that may be left', () => {
  expect(allowed({ states: [{ name: 'a' }, { name: 'b' }, { name: 'z' }], initial: ['a'], terminal: ['z'], moves: [{ from: 'a', to: 'b' }, { from: '*', to: 'z' }] }))
    .toEqual([{ from: '', to: 'a' }, { from: 'a', to: 'b' }, { from: 'a', to: 'z' }, { from: 'b', to: 'z' }])
})
