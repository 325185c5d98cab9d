import { describe, expect, test } from 'vitest'
import { palettes, shape } from './dyes'
import { dyes } from './kinds'

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map(i => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}

function contrast(a: string, b: string): number {
  const [dark, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (bright! + 0.05) / (dark! + 0.05)
}

describe.each(['light', 'dark'] as const)('in the %s theme', name => {
  const p = palettes[name]
  test('graphics stand out from the ground', () => {
    for (const colour of [...p.dyes, ...p.cotton, p.gone, p.focus, p.warn]) expect(contrast(colour, p.ground), colour).toBeGreaterThanOrEqual(3)
  })
  test('words do', () => {
    for (const colour of [p.ink, p.faint, p.warn]) expect(contrast(colour, p.ground), colour).toBeGreaterThanOrEqual(4.5)
    expect(contrast(p.ink, p.table)).toBeGreaterThanOrEqual(4.5)
  })
  test('each kind has a dye of its own', () => {
    expect(p.dyes).toHaveLength(dyes + 1)
    expect(new Set(p.dyes).size).toBe(dyes + 1)
  })
})

// A path that remembers what was added to it.
class Remembering {
  said: string[] = []
  #add = (name: string, args: number[]) => { this.said.push(name + args.map(a => a.toFixed(1)).join(',')) }
  moveTo(...a: number[]) { this.#add('m', a) }
  lineTo(...a: number[]) { this.#add('l', a) }
  arc(...a: (number | boolean)[]) { this.#add('a', a.map(Number)) }
  rect(...a: number[]) { this.#add('r', a) }
  closePath() { this.#add('z', []) }
}

test('each kind has a shape of its own', () => {
  const outlines = Array.from({ length: dyes + 1 }, (_, dye) => {
    const path = new Remembering()
    shape(path as unknown as CanvasPath, dye, 0, 0, 10)
    return path.said.join(' ')
  })
  expect(new Set(outlines).size).toBe(dyes + 1)
})
