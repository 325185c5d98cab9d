import { expect, test } from 'vitest'
import { Patience } from './patience'

// asked are the seconds at which a picture asks in an hour, when something changes at some of them.
function asked(changes: readonly number[] = []): number[] {
  const patience = new Patience(0)
  const out: number[] = []
  for (let s = 1; s <= 3600; s++) {
    if (changes.includes(s)) patience.changed(s * 1000)
    if (patience.due(s * 1000)) out.push(s)
  }
  return out
}

test('while nothing changes the pauses double, up to a minute', () => {
  const at = asked()
  expect(at.slice(0, 8)).toEqual([3, 6, 12, 24, 48, 96, 156, 216])
  expect(at.length).toBeLessThan(70)
})

test('after a change it asks soon, and then patiently again', () => {
  expect(asked([1000]).filter(s => s >= 990).slice(0, 5)).toEqual([996, 1003, 1006, 1012, 1024])
})

test('changes without end have it ask no more often than at first', () => {
  expect(asked(Array.from({ length: 3600 }, (_, i) => i))).toHaveLength(1200)
})
