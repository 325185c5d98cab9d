import './check.css'

export { Drop } from './drop'
