// The three things that markup alone cannot do: lines as they come, a clock that runs down, and a key for the field.
'use strict'

const MOST_ROWS = 1000

function follow(form) {
  const rows = document.getElementById('rows')
  const state = document.getElementById('state')
  const pause = document.getElementById('pause')
  let source = null
  let last = ''
  let paused = false

  function say(words) { state.textContent = words }

  function add(html) {
    const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 60
    rows.insertAdjacentHTML('beforeend', html)
    while (rows.children.length > MOST_ROWS) rows.firstElementChild.remove()
    if (atEnd) window.scrollTo(0, document.body.scrollHeight)
  }

  function close() {
    if (source) source.close()
    source = null
  }

  function open() {
    close()
    const wanted = new URLSearchParams(new FormData(form))
    if (last !== '') wanted.set('after', last)
    source = new EventSource('/live/lines?' + wanted)
    source.onopen = () => say(state.dataset.following)
    source.onmessage = event => {
      last = event.lastEventId
      if (event.data) add(event.data)
    }
    source.addEventListener('trouble', event => say(event.data))
    source.onerror = () => {
      say(state.dataset.away)
      // The browser tries again by itself, but not after an answer that is no stream: the session has ended.
      if (source && source.readyState === EventSource.CLOSED) window.location.reload()
    }
  }

  function toggle() {
    paused = !paused
    pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause
    pause.setAttribute('aria-pressed', String(paused))
    if (paused) {
      close()
      say(state.dataset.paused)
    } else open()
  }

  form.addEventListener('submit', event => event.preventDefault())
  let soon = 0
  form.addEventListener('input', () => {
    clearTimeout(soon)
    soon = setTimeout(() => {
      last = ''
      rows.replaceChildren()
      if (!paused) open()
    }, 200)
  })
  pause.addEventListener('click', toggle)
  document.getElementById('clear').addEventListener('click', () => rows.replaceChildren())
  // Nobody looks at a hidden page; what was written meanwhile comes when it is shown again.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close()
    else if (!paused) open()
  })
  open()
}

function tick() {
  for (const clock of document.querySelectorAll('[data-left]')) {
    if (!clock.dataset.until) clock.dataset.until = Date.now() + 1000 * clock.dataset.left
    const left = Math.max(0, Math.round((clock.dataset.until - Date.now()) / 1000))
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
  }
}

document.addEventListener('DOMContentLoaded', () => {
  const form = document.getElementById('filters')
  if (form) follow(form)
  tick()
  setInterval(tick, 1000)
  document.addEventListener('keydown', event => {
    const field = document.getElementById('q')
    if (event.key !== '/' || !field || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return
    event.preventDefault()
    field.focus()
  })
})
