import { describe, expect, test } from 'vitest'
import type { Entry } from '../api/forms'
import type { Answer, Cell } from './forms'
import { Loom, insert, shown, type Asked } from './loom'
import { Scale } from './scale'

const second = 1000
const now = Date.parse('2026-05-01T12:00:00Z')
const who = 'a'.repeat(64)

// answer is what a node says of a log with an entry each second, `each` of them in a cell.
function answer(asked: Asked, each = 100): Answer {
  const from = asked.from ?? now - 10_000 * second
  const to = asked.to ?? now
  const cells: Cell[] = []
  for (let t = from; t < to; t += each * second) cells.push([t, each * second, each, (t - from) / second, (t - from) / second + each - 1, 0, each])
  return {
    from, to, bucket: each * second, now, node: who, cursor: '', kinds: ['k'], all: cells.map(c => [...c]), others: { authors: 0, entries: 0 },
    cords: [{ author: who, entries: 10_000, before: 0, after: 0, first: from, last: to - 1, next: 10_000, cells }],
  }
}

function loomOf(say: (asked: Asked) => Answer = answer) {
  const asked: (Asked & { signal: AbortSignal })[] = []
  const failures: unknown[] = []
  const loom = new Loom(async (a, signal) => { asked.push({ ...a, signal }); await Promise.resolve(); return say(a) }, () => {}, e => failures.push(e))
  return { loom, asked, failures }
}

// window is a scale of 600 pixels that begins so many seconds before now, and has so many seconds.
const window = (before: number, seconds: number) => new Scale(600 / (seconds * second), now - before * second, 0, 600, [], 60)

describe('the loom', () => {
  test('asks for the whole, and then for a window with as much again on both sides', async () => {
    const { loom, asked } = loomOf()
    await loom.begin([], [], 512)
    await loom.want(window(5000, 100), [], [])
    expect(asked.map(a => [a.from, a.to])).toEqual([[undefined, undefined], [now - 5100 * second, now - 4800 * second]])
  })

  test('asks for nothing while what it has is enough, however it is panned', async () => {
    const { loom, asked } = loomOf()
    await loom.begin([], [], 512)
    for (let before = 9000; before > 1000; before -= 500) await loom.want(window(before, 8000), [], [])
    expect(asked).toHaveLength(1)
    await loom.want(window(5000, 100), [], [])
    for (let before = 5090; before > 4910; before -= 10) await loom.want(window(before, 100), [], [])
    expect(asked).toHaveLength(2)
    await loom.want(window(4850, 100), [], [])
    expect(asked).toHaveLength(3)
  })

  test('does not ask again for what a node cannot say more exactly', async () => {
    const { loom, asked } = loomOf(a => answer(a, 100))
    await loom.begin([], [], 512)
    for (let i = 0; i < 5; i++) await loom.want(window(5000, 200), [], [])
    expect(asked).toHaveLength(2)
  })

  test('asks for one window at a time: the last that is wanted counts', async () => {
    const { loom, asked } = loomOf()
    await loom.begin([], [], 512)
    const first = loom.want(window(5000, 100), [], [])
    const other = loom.want(window(3000, 100), [], [])
    await Promise.all([first, other])
    expect(asked[1]!.signal.aborted).toBe(true)
    expect(loom.near?.from).toBe(now - 3100 * second)
  })

  test('asks for the whole again with the window, so that who zooms out sees no less', async () => {
    let entries = 10_000
    const { loom, asked } = loomOf(a => {
      const told = answer(a)
      told.cords[0]!.next = entries
      return told
    })
    await loom.begin([], [], 512)
    await loom.want(window(5000, 100), [], [])
    entries = 20_000 // a burst, of which the page is told only that it was
    await loom.again([], [], 512)
    expect([loom.near!.cords[0]!.next, loom.whole!.cords[0]!.next]).toEqual([20_000, 20_000])
    // Never is the window newer than the whole, also where it is another window by then.
    entries = 30_000
    const given = loom.again([], [], 512)
    await Promise.all([given, loom.want(window(3000, 100), [], [])])
    expect([loom.near!.from, loom.near!.cords[0]!.next, loom.whole!.cords[0]!.next]).toEqual([now - 3100 * second, 30_000, 30_000])
    await Promise.all([loom.want(window(2000, 100), [], []), loom.again([], [], 512)])
    expect(loom.near!.from).toBe(now - 2100 * second)
    // Where nothing has come in bulk the window alone is asked for.
    const before = asked.length
    await loom.want(window(8000, 100), [], [])
    expect(asked.length).toBe(before + 1)
  })

  test('tells of a failure, but of none that it has brought about itself', async () => {
    const { loom, failures } = loomOf(() => { throw new TypeError('gone') })
    await loom.begin([], [], 512)
    expect(failures).toHaveLength(1)
    const stopped = loom.begin([], [], 512)
    loom.stop()
    await stopped
    expect(failures).toHaveLength(1)
  })
})

const entry = (seq: number, t: number, author = who): Entry =>
  ({ author, seq, op: '0'.repeat(64), clock: '1.0', time: new Date(t).toISOString(), kind: 'k', retention: 'persistent', offset: seq })

describe('what comes', () => {
  test('is counted once, also where an answer had it', async () => {
    const { loom } = loomOf()
    await loom.begin([], [], 512)
    expect(loom.add([entry(9_999, now - 1), entry(10_000, now + second), entry(10_000, now + second)], now + second)).toHaveLength(1)
    expect(loom.add([entry(10_000, now + second)], now + second)).toHaveLength(0)
    const cord = loom.whole!.cords[0]!
    expect(cord.next).toBe(10_001)
  })
  test('is counted in an answer that was under way, where that had it not', async () => {
    const { loom } = loomOf()
    await loom.begin([], [], 512)
    await loom.want(window(100, 100), [], [])
    const loading = loom.again([], [], 512)
    loom.add([entry(9_999, now - 1), entry(10_000, now - 1)], now)
    await loading
    for (const a of [loom.near!, loom.whole!]) expect(a.cords[0]!.next).toBe(10_001)
    expect(loom.add([entry(10_000, now - 1)], now)).toHaveLength(0)
  })
  test('hangs a cord of its own', async () => {
    const { loom } = loomOf()
    await loom.begin([], [], 512)
    loom.add([entry(0, now + second, 'b'.repeat(64))], now + second)
    expect(loom.whole!.cords[1]).toMatchObject({ author: 'b'.repeat(64), next: 1, entries: 1, cells: [[now + second, 1, 1, 0, 0, 0, 1]] })
    expect(loom.whole!.to).toBe(now + second + 1)
  })
  test('does not stretch the log by a time far ahead', async () => {
    const { loom } = loomOf()
    await loom.begin([], [], 512)
    loom.add([entry(10_000, Date.parse('2262-01-01'))], now)
    expect(loom.whole).toMatchObject({ to: now })
    expect(loom.whole!.cords[0]).toMatchObject({ after: 1, last: Date.parse('2262-01-01') })
  })
})

test('an entry goes into the cell of its time, or into one of its own, and cells stay in order', () => {
  const cells: Cell[] = [[0, 10, 3, 0, 2, 0, 3], [40, 10, 1, 3, 3, 0, 1]]
  insert(cells, 5, 4, 1)
  insert(cells, 20, 5, 0)
  insert(cells, 60, 6, -1)
  insert(cells, 49, 7, 0)
  expect(cells).toEqual([[0, 10, 4, 0, 4, 0, 3, 1, 1], [20, 1, 1, 5, 5, 0, 1], [40, 10, 2, 3, 7, 0, 2], [60, 1, 1, 6, 6]])
})

test('silences end now, and are finer where a window was loaded, and there alone', async () => {
  const { loom } = loomOf(a => {
    const told = answer(a)
    // In the window there is one entry alone.
    if (a.from !== undefined) told.all = [[now - 5000 * second, 1, 1, 0, 0, 0, 1]]
    return told
  })
  await loom.begin([], [], 512)
  expect(loom.silences(now + 50 * second)).toEqual([{ from: now, to: now + 50 * second }])
  await loom.want(window(5010, 20), [], [])
  expect(loom.silences(now).map(s => [(s.from - now) / second, (s.to - now) / second])).toEqual([[-5030, -5000], [-5000, -4970]])
})

test('cords without an entry in the window hang only for members and for who was asked for', () => {
  const a = answer({ width: 1, author: [], kind: [] })
  a.cords.push({ ...a.cords[0]!, author: 'b', entries: 0 }, { ...a.cords[0]!, author: 'c', entries: 0 }, { ...a.cords[0]!, author: 'd', entries: 0 })
  expect(shown(a, ['c'], k => k === 'd').map(c => c.author)).toEqual([who, 'c', 'd'])
})

test('a log that was empty begins with its first entry, not in 1970', async () => {
  const { loom } = loomOf(a => ({ ...answer(a), from: 0, cords: [], all: [], kinds: [] }))
  await loom.begin([], [], 256)
  loom.add([{ author: who, seq: 0, time: new Date(now - second).toISOString(), kind: 'k', offset: 0 } as Entry], now)
  expect(loom.whole!.from).toBe(now - second)
  expect(loom.whole!.all).toEqual([[now - second, 1, 1, 0, 0, 0, 1]])
})
