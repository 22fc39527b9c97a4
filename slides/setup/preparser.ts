import { definePreparserSetup } from '@slidev/types'
import { only } from '../tools/talk.mjs'

export default definePreparserSetup(() => [only(process.env.TALK)])
