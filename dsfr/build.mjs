// Builds the dsfr theme of the pages: takes what they use from the State's design system, and nothing else.
//
//   DSFR_ACCEPT_LICENSE=1 node build.mjs FOLDER
//
// The package asks whoever installs it to accept its terms of use, which keep it to services of the State; so does
// this. Images written into the styles become files, for the pages' policy allows no `data:` address.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, 'node_modules', '@gouvfr', 'dsfr')
const target = resolve(process.argv[2] ?? join(here, '..', 'gateway', 'web', 'dsfr'))

if (process.env.DSFR_ACCEPT_LICENSE !== '1') {
  console.error(
    'The dsfr theme is the visual identity of the French State. Its terms of use keep it to services of the State,\n' +
    'under .gouv.fr; using it elsewhere may be an offence (code pénal, article 433-13). Read them:\n' +
    `  ${join(source, 'doc', 'legal', 'cgu.md')}\n` +
    '  https://www.systeme-de-design.gouv.fr/\n' +
    'If your service may use it and you accept the terms, try again with DSFR_ACCEPT_LICENSE=1.'
  )
  process.exit(1)
}

const PARTS = [
  'core/core.main.min.css',
  ...['link', 'logo', 'button', 'connect', 'callout', 'header', 'footer', 'skiplink'].map(
    (name) => `component/${name}/${name}.main.min.css`
  ),
  'core/core.print.min.css'
]
// Three weights say all that the pages say; a face that is not there is not asked for.
const FACES = /^Marianne-(Regular|Medium|Bold)\.woff2$/
const files = new Map()

function kept (name, content) {
  files.set(name, content)
  return `url("${name}")`
}

function styleOf (part) {
  const path = join(source, 'dist', part)
  return readFileSync(path, 'utf8')
    .replace(/@charset "UTF-8";/g, '')
    .replace(/@font-face\{[^}]*\}/g, (face) => {
      const font = face.match(/fonts\/([\w-]+\.woff2)/)[1]
      return FACES.test(font) ? face.replace(/,url\([^)]*\.woff\) format\("woff"\)/, '') : ''
    })
    .replace(/url\("data:image\/svg\+xml;[^,"]*,([^"]*)"\)/g, (_, encoded) => {
      const image = Buffer.from(encoded.includes('%3C') ? decodeURIComponent(encoded) : encoded.replaceAll('%23', '#'))
      return kept(`image-${createHash('sha256').update(image).digest('hex').slice(0, 8)}.svg`, image)
    })
    .replace(/url\("?((?:\.\.\/)+[^)"]+)"?\)/g, (_, relative) => {
      const file = resolve(dirname(path), relative.replace(/[?#].*$/, ''))
      return kept(basename(file), readFileSync(file))
    })
}

const notice = '/*! Système de Design de l’État (DSFR) 1.15.3, Service d’information du Gouvernement, 2026. ' +
  'SPDX-License-Identifier: etalab-2.0. Restricted use: see LICENSE.md and cgu.md. */\n'
const style = notice + PARTS.map(styleOf).join('\n') + '\n' + readFileSync(join(here, 'pages.css'), 'utf8')
kept('favicon.svg', readFileSync(join(source, 'dist', 'favicon', 'favicon.svg')))

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
writeFileSync(join(target, 'dsfr.css'), style)
for (const [name, content] of files) writeFileSync(join(target, name), content)
for (const name of ['LICENSE.md', 'doc/legal/cgu.md']) {
  writeFileSync(join(target, basename(name)), readFileSync(join(source, name)))
}
console.log(`dsfr: ${files.size + 1} files in ${target}`)
