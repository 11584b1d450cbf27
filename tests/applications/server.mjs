// An application on Node's own http server, with a WebSocket made by hand.

import { createHash } from 'node:crypto'
import { appendFileSync, createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11' // RFC 6455 section 1.3

const answers = {
  '/seen': (request, response) => {
    const digest = createHash('sha256')
    let length = 0
    request.on('data', piece => { length += piece.length; digest.update(piece) })
    request.on('end', () => {
      appendFileSync('uploads/seen', '.')
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({
        method: request.method, target: request.url, fields: request.headers, length, sha256: digest.digest('hex')
      }))
    })
  },
  '/page': (request, response) => {
    response.setHeader('X-Application', 'old')
    response.setHeader('Set-Cookie', ['one=1; Path=/; HttpOnly', 'two=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT'])
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end('Voilà la réponse.')
  },
  '/moved': (request, response) => response.writeHead(302, { Location: '/page?x=%C3%A9' }).end(),
  '/none': (request, response) => response.writeHead(204).end(),
  '/file': (request, response) => {
    response.setHeader('Content-Type', 'application/octet-stream')
    createReadStream('file').pipe(response)
  },
  '/events': (request, response) => {
    response.setHeader('Content-Type', 'text/event-stream')
    response.write('data: first\n\n')
    const timer = setInterval(() => {
      if (existsSync('go')) { clearInterval(timer); response.end('data: second\n\n') }
    }, 10)
  }
}

const server = createServer((request, response) => {
  const answer = answers[request.url.split('?')[0]]
  answer ? answer(request, response) : response.writeHead(404).end()
})

server.on('upgrade', (request, socket, head) => {
  const key = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`)
  let received = head
  const read = piece => {
    received = Buffer.concat([received, piece])
    while (received.length >= 6 && received.length >= 6 + (received[1] & 0x7f)) { // short, masked frames only
      const length = received[1] & 0x7f
      const payload = Buffer.from(received.subarray(6, 6 + length).map((octet, at) => octet ^ received[2 + at % 4]))
      const opcode = received[0] & 0x0f
      received = received.subarray(6 + length)
      if (opcode === 8) { socket.end(Buffer.concat([Buffer.from([0x88, payload.length]), payload])); return }
      const text = opcode === 1 ? Buffer.from(`${request.headers['x-proconnect-given-name']}: ${payload}`) : payload
      socket.write(Buffer.concat([Buffer.from([0x80 | opcode, text.length]), text]))
    }
  }
  socket.on('data', read)
  socket.on('error', () => socket.destroy())
  read(Buffer.alloc(0))
})

server.listen(Number(process.argv[2]), '127.0.0.1')
