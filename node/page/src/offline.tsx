import { render } from 'preact'
import { checks } from './text'
import { Drop } from './verify'
import './page.css'
import './theme'

const page = document.getElementById('page')
if (page) render(<main><h1>{checks.offline}</h1><p>{checks.alone}</p><Drop open /></main>, page)
