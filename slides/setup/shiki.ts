// Both have a contrast of 4.5 to 1 and more on the panels of styles/deck.css.
import { defineShikiSetup } from '@slidev/types'

export default defineShikiSetup(() => ({
  themes: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  langs: ['python', 'yaml'],
}))
