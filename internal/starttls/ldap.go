package starttls

import (
	"context"
	"net"
	"strconv"
)

var _ = register(ldap{})

// ldap is RFC 4511 with the StartTLS operation of its Section 4.14.
type ldap struct{}

// Name is "ldap".
func (ldap) Name() string { return "ldap" }

// Ports are the usual one and that of Active Directory's global catalog.
func (ldap) Ports() []int { return []int{389, 3268} }

// ldapStartTLS is LDAPMessage{1, ExtendedRequest{"1.3.6.1.4.1.1466.20037"}}.
var ldapStartTLS = append([]byte{0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16}, "1.3.6.1.4.1.1466.20037"...)

// Tags of what is read (RFC 4511, Appendix B).
const (
	berInteger  = 0x02
	berOctets   = 0x04
	berEnum     = 0x0a
	berSequence = 0x30
	ldapAnswer  = 0x78 // [APPLICATION 24] ExtendedResponse
)

// ldapResults are the names of results that StartTLS can have (RFC 4511,
// Section 4.1.9).
var ldapResults = map[int]string{1: "operationsError", 2: "protocolError", 8: "strongerAuthRequired", 10: "referral",
	13: "confidentialityRequired", 50: "insufficientAccessRights", 51: "busy", 52: "unavailable", 53: "unwillingToPerform", 80: "other"}

// Dialogue is StartTLS and its answer. The client begins.
func (p ldap) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p ldap) talk(d *dialogue) error {
	if err := d.open("StartTLS", "StartTLS (extended request 1.3.6.1.4.1.1466.20037)", ldapStartTLS); err != nil {
		return err
	}
	message, err := p.message(d)
	if err != nil {
		return err
	}
	kind, id, rest, ok := berElement(message)
	if !ok || kind != berInteger || len(id) == 0 || len(id) > 4 {
		return d.unreadable(WrongProtocol, message)
	}
	kind, answer, _, ok := berElement(rest)
	if !ok || kind != ldapAnswer {
		return d.unreadable(Garbled, message)
	}
	kind, result, answer, ok := berElement(answer)
	if !ok || kind != berEnum || len(result) != 1 {
		return d.unreadable(Garbled, message)
	}
	kind, _, answer, ok = berElement(answer) // matchedDN
	if !ok || kind != berOctets {
		return d.unreadable(Garbled, message)
	}
	kind, words, _, ok := berElement(answer)
	if !ok || kind != berOctets {
		return d.unreadable(Garbled, message)
	}
	code := int(result[0])
	text := string(words)
	if name := ldapResults[code]; name != "" && text != "" {
		text = name + ": " + text
	} else if name != "" {
		text = name
	}
	// A message with the number 0 is a notice: the server ends the connection
	// (RFC 4511, Section 4.4.1).
	notice := len(id) == 1 && id[0] == 0
	if code == 0 && !notice {
		d.heard("result 0 %s", words)
		return nil
	}
	d.heard("result %d %s", code, text)
	problem := Refused
	if notice {
		problem = Unavailable
	}
	return refusal(d, problem, strconv.Itoa(code), text)
}

// message reads one LDAPMessage and returns what is in the sequence.
func (ldap) message(d *dialogue) ([]byte, error) {
	head, err := d.read(nil, 1)
	if err != nil {
		return nil, err
	}
	if head[0] != berSequence {
		return nil, d.foreign(head)
	}
	if head, err = d.read(head, 1); err != nil {
		return nil, err
	}
	size, more := int(head[1]), 0
	if size >= 0x80 {
		// The long form; Active Directory uses four bytes for every length.
		if more = size - 0x80; more == 0 || more > 4 {
			return nil, d.foreign(head)
		}
		if head, err = d.read(head, more); err != nil {
			return nil, err
		}
		size = berLength(head[2:])
	}
	if size < 3 || size > maxLine {
		return nil, d.foreign(head)
	}
	return d.read(nil, size)
}

// berLength is a length in long form.
func berLength(b []byte) int {
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	return n
}

// berElement splits off the first element: a tag of one byte, a length in any
// form but the indefinite, which LDAP excludes (RFC 4511, Section 5.1).
func berElement(b []byte) (kind byte, body, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	kind, size, b := b[0], int(b[1]), b[2:]
	if size >= 0x80 {
		more := size - 0x80
		if more == 0 || more > 4 || more > len(b) {
			return 0, nil, nil, false
		}
		size, b = berLength(b[:more]), b[more:]
	}
	if size < 0 || size > len(b) {
		return 0, nil, nil, false
	}
	return kind, b[:size], b[size:], true
}
