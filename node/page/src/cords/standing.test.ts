import { describe, expect, test } from 'vitest'
import type { Member } from '../api/forms'
import { standingOf, tightness } from './standing'

const now = Date.parse('2026-05-01T12:00:00Z')
const member = (some: Partial<Member>): Member =>
  ({ author: 'a'.repeat(64), name: 'b', addr: '', state: 'alive', linked: true, behind: 0, lacks: 0, ...some })

describe('a member', () => {
  test('that has all has no lag', () => {
    expect(standingOf(member({ equalAt: '2026-05-01T11:59:00Z' }), undefined, undefined, now)).toMatchObject({ caughtUp: null, cut: false, left: null })
  })
  test('that lacks something has caught up to where both were equal, and is done at its pace', () => {
    const s = standingOf(member({ lacks: 300, equalAt: '2026-05-01T11:59:00Z' }), undefined, { lacks: 500, at: now - 2000, linked: null }, now)
    expect(s).toMatchObject({ caughtUp: now - 60_000, lacks: 300, left: 3 })
  })
  test('that falls behind is not said to be done', () => {
    expect(standingOf(member({ lacks: 300 }), undefined, { lacks: 200, at: now - 2000, linked: null }, now).left).toBeNull()
  })
  test('without a link is cut off, and was heard when something last came', () => {
    const s = standingOf(member({ state: 'dead', linked: false, lacks: 3, equalAt: '2026-05-01T11:00:00Z' }), undefined, { lacks: 5, at: now - 2000, linked: now - 90_000 }, now)
    expect(s).toMatchObject({ cut: true, heard: now - 90_000, caughtUp: now - 3_600_000, left: null })
  })
  test('that is this node is never cut off', () => {
    expect(standingOf(member({ state: 'self', linked: false, lacks: null, behind: null }), undefined, undefined, now)).toMatchObject({ own: true, cut: false })
  })
})

test('a knot is as tight as others have it', () => {
  expect(tightness(7, [])).toBe('open')
  expect(tightness(7, [7, 3])).toBe('open')
  expect(tightness(7, [8, 3])).toBe('half')
  expect(tightness(7, [8, 100])).toBe('tight')
  expect(tightness(7, undefined)).toBe('tight')
})
