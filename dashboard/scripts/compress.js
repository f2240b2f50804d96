/**
 * Compresses the built page: it writes `a.js.br` and `a.js.gz` beside each file `a.js` of `dist`, if they are smaller.
 * The service sends them as they are, so that it compresses nothing itself.
 */
import { readFileSync, writeFileSync } from 'node:fs';

import { builtFiles, CODINGS } from './built-files.js';

for (const path of builtFiles()) {
  const content = readFileSync(path);
  for (const { suffix, compress } of CODINGS) {
    const compressed = compress(content);
    if (compressed.length < content.length) writeFileSync(path + suffix, compressed);
  }
}
