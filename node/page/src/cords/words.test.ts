import { expect, test } from 'vitest'
import { brief } from './words'

test('counts are brief', () => {
  expect([0, 7, 999, 1000, 1049, 1250, 9949, 9950, 35_499, 999_499, 999_500, 7e6, 1e9].map(brief))
    .toEqual(['0', '7', '999', '1k', '1k', '1.3k', '9.9k', '10k', '35k', '999k', '1M', '7M', '1G'])
})
