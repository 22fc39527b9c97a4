// One source, three lengths. A slide's frontmatter says in which talk it is: `talk: 45` in the one of
// 45 minutes and in the whole deck, `talk: all` in the whole deck only, and none in every one of them.
// TALK=30, TALK=45 or TALK=all chooses; without it the whole deck is made.
const LENGTHS = ['30', '45', 'all']

function place(length, what) {
  const found = LENGTHS.indexOf(String(length))
  if (found < 0)
    throw new Error(`${what} is one of ${LENGTHS.join(', ')}, not ${length}`)
  return found
}

export function only(talk) {
  const wanted = place(talk || 'all', 'TALK')
  return {
    async transformSlide(_content, frontmatter) {
      if (place(frontmatter.talk ?? '30', 'talk') > wanted)
        frontmatter.hide = true
      return undefined
    },
  }
}
