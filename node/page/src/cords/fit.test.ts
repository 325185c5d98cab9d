import { expect, test } from 'vitest'
import { left } from './fit'

test('the picture has what the window leaves, and never too little to be one', () => {
  expect(left(800, 230, 70)).toBe(500)
  expect(left(400, 330, 70)).toBe(280)
})
