import { expect, test } from 'vitest'
import { keyed, listen, type Reach } from './gestures'

// told is a reach that remembers what it was told.
function told(): { reach: Reach, said: string[] } {
  const said: string[] = []
  const reach = new Proxy({}, { get: (_, name: string) => (...args: unknown[]) => { said.push([name, ...args].join(' ')) } }) as Reach
  return { reach, said }
}

const press = (key: string, more: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey', boolean>> = {}) => {
  const { reach, said } = told()
  const done = keyed({ key, ctrlKey: false, metaKey: false, altKey: false, ...more }, reach, { clientHeight: 600 })
  return [done, ...said]
}

test('keys do what they stand for', () => {
  expect(press('ArrowLeft')).toEqual([true, 'step -1 0', 'rest'])
  expect(press('ArrowDown')).toEqual([true, 'step 0 1', 'rest'])
  expect(press('+')).toEqual([true, 'zoom  1.6', 'rest'])
  expect(press('-')[1]).toMatch(/^zoom {2}0.6/)
  expect(press('Home')).toEqual([true, 'jump false', 'rest'])
  expect(press('End')).toEqual([true, 'jump true', 'rest'])
  expect(press('Enter')).toEqual([true, 'open', 'rest'])
  expect(press('PageDown')).toEqual([true, 'pan 0 -300', 'rest'])
})

test('other keys, and those of the browser, are left alone', () => {
  expect(press('Tab')).toEqual([false])
  expect(press('toString')).toEqual([false])
  expect(press('+', { ctrlKey: true })).toEqual([false])
  expect(press('ArrowLeft', { altKey: true })).toEqual([false])
})

// fingers is an element, and what pointers do on it.
function fingers(reach: Reach): { at: (type: string, pointerId: number, clientX: number, clientY: number) => void, stop: () => void } {
  const element = Object.assign(new EventTarget(), {
    getBoundingClientRect: () => ({ left: 10, top: 20 }), setPointerCapture: () => {}, clientHeight: 600,
  })
  const at = (type: string, pointerId: number, clientX: number, clientY: number) =>
    element.dispatchEvent(Object.assign(new Event(`pointer${type}`), { pointerId, clientX, clientY, button: 0, pointerType: 'touch' }))
  return { at: (...args) => { at(...args) }, stop: listen(element as unknown as HTMLElement, reach) }
}

test('two fingers zoom about the point between them, and are no press', () => {
  const { reach, said } = told()
  const { at, stop } = fingers(reach)
  at('down', 1, 110, 220)
  at('down', 2, 110, 320)
  at('move', 2, 110, 420)
  at('up', 2, 110, 420)
  at('up', 1, 110, 220)
  expect(said).toEqual(['pan 0 50', 'zoom 300 2', 'rest'])
  stop()
  at('down', 1, 110, 220)
  expect(said).toHaveLength(3)
})

test('one finger that stays is a press, one that moves pans', () => {
  const { reach, said } = told()
  const { at } = fingers(reach)
  at('down', 1, 110, 220)
  at('up', 1, 110, 220)
  at('down', 1, 110, 220)
  at('move', 1, 110, 260)
  at('up', 1, 110, 260)
  expect(said).toEqual(['press 100 200', 'rest', 'pan 0 40', 'rest'])
})
