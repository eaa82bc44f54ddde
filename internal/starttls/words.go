package starttls

import (
	"encoding/binary"
	"strings"
)

// FirstWords is what a client may say first once TLS stands, and what any
// server answers without a login: a question about capabilities. It is empty
// for protocols in which the server speaks first behind TLS, and ok is false
// for those of which nothing is known. The protocol is a name of this package
// or its implicit form, such as "smtps".
func FirstWords(protocol string) (words []byte, ok bool) {
	text, ok := firstWords[strings.ToLower(protocol)]
	return []byte(text), ok
}

var firstWords = map[string]string{
	"smtp": "EHLO localhost\r\n", "lmtp": "LHLO localhost\r\n", "imap": "a9 CAPABILITY\r\n", "pop3": "CAPA\r\n",
	"sieve": "CAPABILITY\r\n", "nntp": "CAPABILITIES\r\n", "ftp": "FEAT\r\n", "irc": "CAP LS 302\r\n",
	"ldap": ldapRootDSE, "ldaps": ldapRootDSE, "postgres": postgresStartup, "postgresql": postgresStartup,
	"smtps": "", "submissions": "", "imaps": "", "pop3s": "", "nntps": "", "ftps": "",
	"mqtts": mqttConnect, "rediss": "PING\r\n",
}

// ldapRootDSE asks for nothing of the root entry, which needs no bind (RFC
// 4512, Section 5.1).
const ldapRootDSE = "\x30\x25\x02\x01\x02\x63\x20\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x01\x02\x01\x05\x01\x01\x00" +
	"\x87\x0bobjectClass\x30\x00"

// mqttConnect is CONNECT of MQTT 3.1.1 with a clean session, a keep-alive of 10
// s and an empty client identifier.
const mqttConnect = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"

// postgresStartup begins a session without a password: the server asks for one
// or says why not.
var postgresStartup = func() string {
	body := "\x00\x03\x00\x00user\x00tlswhy\x00database\x00postgres\x00application_name\x00tlswhy\x00\x00"
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))) + body
}()
