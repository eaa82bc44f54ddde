// Package srvconf reads configurations of servers: nginx, Apache, HAProxy,
// Postfix and Dovecot. It turns them into facts: each place at which TLS is
// served, with its addresses, names, certificates, versions, cipher suites and
// the line on which each was said.
//
// It reads like the servers do, but tolerantly: what it cannot read is a fault
// with file and line, and the rest is still read. It refuses to judge; what a
// configuration means for clients is the catalogue's business.
//
//	c := srvconf.Load([]string{"/etc/nginx/nginx.conf"}, srvconf.Options{})
//	for _, site := range c.Sites { ... }
package srvconf
