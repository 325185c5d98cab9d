import { expect, test } from 'vitest'
import { keyed, type Reach } from './gestures'

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
