import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { command, quote } from './shell'

const texts = [
  'plain', 'with space', "it's", '$(reboot)', '`reboot`', '"', '\\', '!x', '~', '*', '', '-rf', 'a;b', 'a\nb', 'tab\there', '=ls', '{a,b}', '#x',
  'paid\u202egnp', '\u200b', '东京', '😀', 'é', 'e\u0301', "\u202e'; reboot #", 'a&b=c%20', '\x1b[31m', '\u{e0041}',
]

test.each(texts)('%j comes out of a shell as it went in', text => {
  const said = execFileSync('bash', ['--norc', '-c', `printf %s ${quote(text)}`], { env: { LC_ALL: 'C.UTF-8', PATH: process.env.PATH } })
  expect(said.toString()).toBe(text)
})

test('what is not visible is not in the line', () => {
  for (const text of texts) expect(quote(text)).not.toMatch(/[\p{C}\u200b]/u)
})

test('a flag without a value is left out', () => {
  expect(command('quipu', 'log', ['--kind', ''], ['--subject', 'a b'], ['--limit', 5], null)).toBe("quipu log --subject 'a b' --limit 5")
})
