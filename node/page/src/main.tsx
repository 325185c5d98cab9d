import { render } from 'preact'
import { App } from './app'
import { counts } from './api/call'
import { isCode, signIn } from './api/session'
import { begin } from './state'
import './page.css'
import './theme'

Object.assign(window, { quipu: { counts } })

// The code is taken out of the address before anything else reads it.
const signed = signIn()
// Of a link that is pasted into the address of this page the browser loads nothing anew.
addEventListener('hashchange', event => {
  if (!isCode(location.hash.slice(1))) return
  event.stopImmediatePropagation()
  void signIn()
})
begin()
const page = document.getElementById('page')
if (page) render(<App signed={signed} />, page)
