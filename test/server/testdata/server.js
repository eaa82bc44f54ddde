// A web server of Node.js per endpoint: node server.js endpoints.json
'use strict';
const fs = require('fs'), http = require('http'), https = require('https');

for (const e of JSON.parse(fs.readFileSync(process.argv[2]))) {
  const answer = (_, res) => res.end('ok');
  if (e.plain) {
    http.createServer(answer).listen(e.port, '127.0.0.1');
    continue;
  }
  const options = { cert: fs.readFileSync(e.chain), key: fs.readFileSync(e.key), minVersion: e.min, maxVersion: e.max, ciphers: e.ciphers };
  if (e.groups) options.ecdhCurve = e.groups;
  if (e.auth) {
    options.ca = fs.readFileSync(e.ca);
    options.requestCert = true;
    options.rejectUnauthorized = e.auth === 'required';
  }
  https.createServer(options, answer).listen(e.port, '127.0.0.1');
}
