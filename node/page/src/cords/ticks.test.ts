import { describe, expect, test } from 'vitest'
import { fit, Scale } from './scale'
import { brinks, line, ticks, type Tick } from './ticks'

const at = (text: string) => Date.parse(text)
// show is what the axis says of a stretch, 20 pixels below the main cord.
function show(from: string, to: string, height = 600): string[] {
  const { density } = fit(at(from), at(to), height, [], 60)
  return ticks(new Scale(density, at(from), 20, height + 20, [], 60), 50).map(said)
}
const said = (t: Tick) => t.above ? `${t.above}|${t.label}` : t.label

describe('the axis', () => {
  test('names years on a scale of years', () => {
    expect(show('2000-01-01', '2026-06-01')).toEqual(['2000', '2005', '2010', '2015', '2020', '2025'])
  })
  test('names months, and the year with the first and with January', () => {
    expect(show('2024-09-15', '2025-04-01')).toEqual(['2024|Oct', 'Nov', 'Dec', '2025|Jan', 'Feb', 'Mar', 'Apr'])
  })
  test('names hours, and the date at midnight', () => {
    expect(show('2024-03-01T20:30:00Z', '2024-03-02T02:30:00Z', 340)).toEqual(['1 Mar|21:00', '22:00', '23:00', '2 Mar|00:00', '01:00', '02:00'])
  })
  test('names seconds and parts of them', () => {
    expect(show('2024-03-01T20:30:57Z', '2024-03-01T20:31:03Z', 340))
      .toEqual(['1 Mar|20:30:57', '20:30:58', '20:30:59', '1 Mar|20:31:00', '20:31:01', '20:31:02', '20:31:03'])
    expect(show('2024-03-01T20:30:00Z', '2024-03-01T20:30:00.3Z', 150)).toEqual(['20:30|:00.000', ':00.100', ':00.200', ':00.300'])
  })
  test('goes before the year 1970 and to its end', () => {
    expect(show('1955-01-01', '1990-01-01', 300)).toEqual(['1960', '1970', '1980', '1990'])
    expect(show('2150-01-01', '+200000-01-01', 60000)).toEqual(['2200'])
  })
})

test('no tick stands in a fold, and the first behind one has its date', () => {
  const silence = { from: at('2001-02-01'), to: at('2019-05-10') }
  const scale = fit(at('2000-09-01'), at('2019-11-01'), 600, [silence], 60)
  const all = ticks(scale, 40)
  for (const t of all) expect(t.t <= silence.from || t.t >= silence.to).toBe(true)
  expect(said(all.find(t => t.t >= silence.to)!)).toBe('2019|Jun')
})

describe('both sides of a fold', () => {
  const silences = (...at: string[]) => at.map(s => s.split(' ')).map(([from, to]) => ({ from: Date.parse(from!), to: Date.parse(to!) }))
  const lines = (from: string, to: string, some: { from: number, to: number }[]) => {
    const s = fit(at(from), at(to), 560, some, 44)
    return brinks(new Scale(s.density, at(from), 20, 600, some, 44), 1, at(from))
  }
  test('have their dates with the year, and the beginning of the log too', () => {
    expect(lines('2001-01-10', '2009-03-01', silences('2001-02-01 2008-11-10')).map(b => b.lines)).toEqual([['10 Jan 2001'], ['1 Feb 2001'], ['10 Nov 2008']])
  })
  test('have times of the day where the fold is short', () => {
    expect(lines('2001-01-10T08:00Z', '2001-01-11T09:00Z', silences('2001-01-10T08:10Z 2001-01-11T08:30Z')).map(b => b.lines))
      .toEqual([['10 Jan 2001'], ['10 Jan 2001', '08:10'], ['11 Jan 2001', '08:30']])
  })
  test('and now are told apart', () => {
    const silence = silences('2001-02-01 2008-11-10')
    const s = fit(at('2001-01-10'), at('2009-03-01'), 560, silence, 44)
    const scale = new Scale(s.density, at('2001-01-10'), 20, 600, silence, 44)
    const named = (t: string) => brinks(scale, 1, NaN, { t: at(t), word: 'now' }).map(b => b.lines.join())
    expect(named('2009-03-01')).toEqual(['1 Feb 2001', '10 Nov 2008', 'now'])
    expect(named('2008-11-10')).toEqual(['1 Feb 2001', '10 Nov 2008'])
  })
  test('are named once where a day stands between two folds', () => {
    const some = silences('2001-02-01 2004-05-06', '2004-05-06T01:00Z 2008-11-10')
    expect(lines('2001-01-10', '2009-03-01', some).map(b => b.lines.join())).toEqual(['10 Jan 2001', '1 Feb 2001', '6 May 2004', '10 Nov 2008'])
  })
  test('are moved apart where they would hide each other, and no tick hides them', () => {
    const some = silences('2001-02-01 2004-05-06', '2004-05-08 2008-11-10')
    const s = fit(at('2001-01-10'), at('2009-03-01'), 560, some, 44)
    const scale = new Scale(s.density, at('2001-01-10'), 20, 600, some, 44)
    const named = brinks(scale, 1)
    expect(named.map(b => b.lines.join())).toEqual(['1 Feb 2001', '6 May 2004', '8 May 2004', '10 Nov 2008'])
    for (let i = 1; i < named.length; i++) expect(named[i]!.y - named[i - 1]!.y).toBeGreaterThanOrEqual(line - 0.001)
    for (const t of ticks(scale, 46, undefined, named)) for (const b of named) expect(Math.abs(t.y - b.y)).toBeGreaterThanOrEqual(line)
  })
})

test('however the scale is, ticks keep their distance and are few', () => {
  for (let e = -13; e < 1; e += 0.25) {
    const scale = new Scale(10 ** e, at('2010-07-13T06:33:08Z'), 0, 800, [{ from: at('2010-07-14'), to: at('2011-07-14') }], 70)
    const all = ticks(scale, 48)
    expect(all.length).toBeLessThan(40)
    for (let i = 1; i < all.length; i++) expect(all[i]!.y - all[i - 1]!.y).toBeGreaterThanOrEqual(48 * 0.8)
  }
})
