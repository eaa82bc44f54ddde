// Leads the TLS connections of Node.js through the proxy that TLSWHY_PROXY names.
'use strict';
const net = require('net');
const tls = require('tls');
const { Duplex } = require('stream');
const proxy = process.env.TLSWHY_PROXY;
if (proxy && !process.allowedNodeEnvironmentFlags.has('--use-env-proxy')) {
  const at = proxy.lastIndexOf(':');
  const [host, port] = [proxy.slice(0, at), Number(proxy.slice(at + 1))];
  const connect = tls.connect;

  // tunnel is a stream that begins to flow once the proxy has reached the target.
  const tunnel = (target) => {
    const raw = net.connect({ host, port });
    let ready = false;
    let head = Buffer.alloc(0);
    let waiting = null;
    const stream = new Duplex({
      read() { if (ready) raw.resume(); },
      write(chunk, _enc, done) { if (ready) raw.write(chunk, done); else waiting = [chunk, done]; },
      final(done) { raw.end(done); },
      destroy(err, done) { raw.destroy(); done(err); },
    });
    raw.on('connect', () => raw.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nUser-Agent: tlswhy-node/old\r\n\r\n`));
    raw.on('data', (chunk) => {
      if (ready) { if (!stream.push(chunk)) raw.pause(); return; }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.subarray(0, 12).toString().endsWith(' 200')) {
        const why = Object.assign(new Error(`connect ECONNREFUSED ${target}`), { code: 'ECONNREFUSED', syscall: 'connect' });
        stream.destroy(why);
        return;
      }
      ready = true;
      if (waiting) raw.write(waiting[0], waiting[1]);
      if (head.length > end + 4) stream.push(head.subarray(end + 4));
    });
    raw.on('end', () => stream.push(null));
    raw.on('error', (err) => stream.destroy(err));
    return stream;
  };

  tls.connect = function (...args) {
    const [options, callback] = net._normalizeArgs(args);
    if (!options.port || options.socket || options.path) return connect.apply(this, args);
    const name = options.host || 'localhost';
    const given = { ...options, socket: tunnel(`${name.includes(':') ? `[${name}]` : name}:${options.port}`) };
    if (given.servername === undefined && !net.isIP(name)) given.servername = name;
    return callback ? connect.call(this, given, callback) : connect.call(this, given);
  };
}
