// Serves the deck for `make slides`: at port 3030, or, where that is taken, at the next one, and says so.
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { only } from './talk.mjs'

const PORT = 3030 // workshop/endpoint/app.py: the one page that may ask the lab

/** Whether Slidev could listen there. */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, 'localhost', () => server.close(() => resolve(true)))
  })
}

try {
  only(process.env.TALK)
}
catch (error) {
  console.error(`✗ ${error.message}`)
  process.exit(2)
}

let port = PORT
while (!await isFree(port))
  port++
if (port !== PORT) {
  console.error([
    `· port ${PORT} is taken: the slides are at http://localhost:${port}`,
    `  there "Ask the lab" shows recordings: it wants port ${PORT}, so close what is there, and begin again`,
  ].join('\n'))
}

const slidev = fileURLToPath(new URL('../node_modules/@slidev/cli/bin/slidev.mjs', import.meta.url))
process.argv = [process.argv[0], slidev, 'slides.md', '--port', String(port)]
await import(slidev)
