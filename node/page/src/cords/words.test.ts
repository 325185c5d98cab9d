import { describe, expect, test } from 'vitest'
import type { Hanging } from './scene'
import type { Seen } from './seen'
import { brief, range, seen, silence } from './words'

test('counts are brief', () => {
  expect([0, 7, 999, 1000, 1049, 1250, 9949, 9950, 35_499, 999_499, 999_500, 7e6, 1e9].map(brief))
    .toEqual(['0', '7', '999', '1k', '1k', '1.3k', '9.9k', '10k', '35k', '999k', '1M', '7M', '1G'])
})

test('a silence is as exact as one speaks of it', () => {
  const hour = 3_600_000
  expect([0.9 * hour, 30 * hour, 54 * 24 * hour, 120 * 24 * hour, 9000 * 24 * hour].map(silence)).toEqual(['54 minutes', '30 hours', '54 days', '3 months', '24 years'])
})

test('a range is as fine as it has to be', () => {
  const said = (from: string, to: string) => range(Date.parse(from), Date.parse(to))
  expect(said('2000-06-27', '2026-12-01')).toBe('June 2000 to December 2026')
  expect(said('2026-05-03', '2026-06-14')).toBe('3 May 2026 to 14 Jun 2026')
  expect(said('2026-05-03T08:00Z', '2026-05-04T09:30Z')).toBe('3 May 2026 08:00 to 4 May 2026 09:30 UTC')
  expect(said('2026-05-03T08:00:01Z', '2026-05-03T08:01:30Z')).toBe('3 May 2026 08:00:01 to 08:01:30 UTC')
  expect(said('2026-05-03T08:00:01.25Z', '2026-05-03T08:00:02Z')).toBe('3 May 2026 08:00:01.250 to 08:00:02.000 UTC')
})

describe('the sentence', () => {
  const none: Seen = {
    from: Date.parse('2000-06-27'), to: Date.parse('2026-12-01'), cords: 5, entries: 1841, folds: 0, others: { authors: 0, entries: 0 }, behind: 0,
    kinds: [], rest: false, whole: true, has: new Set(), forks: 0, trimmed: 0, pruned: [], cut: [],
  }
  const cord = (name: string, floor: number) => ({ cord: { author: 'a'.repeat(64), name, floor } }) as Hanging
  test('says what is seen', () => {
    expect(seen(none)).toBe('1,841 entries on 5 cords, June 2000 to December 2026.')
    expect(seen({ ...none, folds: 36 })).toBe('1,841 entries on 5 cords, June 2000 to December 2026. 36 silent stretches are folded.')
    expect(seen({ ...none, behind: 901_696 })).toBe('1,841 entries on 5 cords, June 2000 to December 2026. Not counted yet: 901,696.')
    expect(seen({ ...none, entries: 0, cords: 0 })).toBe('No entries, June 2000 to December 2026.')
  })
  test('says what is forked, trimmed, pruned and cut off', () => {
    const some = seen({ ...none, forks: 1, trimmed: 300, pruned: [cord('node-2', 40)] })
    expect(some).toContain(' 1 author contradicts itself; 300 bodies were trimmed; the first 40 of “node-2” were pruned.')
    expect(seen({ ...none, pruned: [cord('', 40), cord('b', 2)] })).toContain(' The first 40 of aaaaaaaa and the first 2 of “b” were pruned.')
    expect(seen({ ...none, cut: [cord('b', 0)] })).toContain(' “b” is not linked.')
    expect(seen({ ...none, cut: new Array(9).fill(cord('b', 0)), forks: 2 })).toContain(' 2 authors contradict themselves; 9 members are not linked.')
  })
  test('has no words that a name could pass for its own', () => {
    expect(seen({ ...none, cut: [cord('b” is fine, “c', 0)] })).not.toContain('b” is')
  })
})
