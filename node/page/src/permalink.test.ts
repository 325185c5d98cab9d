import { expect, test } from 'vitest'
import { formatLink, nothing, parseLink, type Shown } from './permalink'

const author = 'ab'.repeat(32)

test('a link shows again what it was made of', () => {
  const shown: Shown = {
    view: 'subject', from: Date.UTC(2000, 6, 1), to: Date.UTC(2262, 3, 11), follow: false,
    author: [author, 'cd'.repeat(32)], kind: ['a&b=c#?', 'ordér'], subject: 'PEP 8/‮#', knot: { author, seq: 2 ** 53 - 1, branch: '0123456789abcdef' },
  }
  expect(parseLink(formatLink(shown))).toEqual(shown)
  expect(parseLink(formatLink(nothing))).toEqual(nothing)
  expect(formatLink(nothing)).toBe('#/picture')
})

test.each([
  ['', nothing],
  ['#', nothing],
  ['#/nowhere?from=yesterday&author=me&knot=x/1', nothing],
  ['#/picture?from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z', nothing],
  ['#/members', { ...nothing, view: 'members' }],
  [`#/picture?knot=${author}/7`, { ...nothing, knot: { author, seq: 7 } }],
])('%s shows as much as this page can', (fragment, shown) => {
  expect(parseLink(fragment)).toEqual(shown)
})
