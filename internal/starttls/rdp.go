package starttls

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/crypto/cryptobyte"
)

var _ = register(rdp{})

// rdp is Remote Desktop with the negotiation of [MS-RDPBCGR], Sections 2.2.1.1
// and 2.2.1.2.
type rdp struct{}

// Name is "rdp".
func (rdp) Name() string { return "rdp" }

// Ports is 3389.
func (rdp) Ports() []int { return []int{3389} }

// rdpRequest is TPKT (RFC 1006), an X.224 connection request of class 0, and
// RDP_NEG_REQ for PROTOCOL_SSL and PROTOCOL_HYBRID, both of which begin with TLS.
var rdpRequest = []byte{3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0}

// Bounds and types of the answer.
const (
	maxTPKT     = 512
	rdpConfirm  = 0xd0
	rdpResponse = 2
	rdpFailure  = 3
)

// rdpProtocols are names of what a server chooses.
var rdpProtocols = map[byte]string{0: "PROTOCOL_RDP", 1: "PROTOCOL_SSL", 2: "PROTOCOL_HYBRID", 8: "PROTOCOL_HYBRID_EX"}

// rdpFailures are the names of the failure codes.
var rdpFailures = map[byte]string{1: "SSL_REQUIRED_BY_SERVER", 2: "SSL_NOT_ALLOWED_BY_SERVER", 3: "SSL_CERT_NOT_ON_SERVER",
	4: "INCONSISTENT_FLAGS", 5: "HYBRID_REQUIRED_BY_SERVER", 6: "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"}

// Dialogue is the connection request and its confirmation. The client begins.
func (p rdp) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p rdp) talk(d *dialogue) error {
	const step = "connection request"
	if err := d.open(step, "connection request (PROTOCOL_SSL, PROTOCOL_HYBRID)", rdpRequest); err != nil {
		return err
	}
	head, err := d.read(nil, 1)
	if err != nil {
		return err
	}
	if head[0] != 3 {
		return d.foreign(head)
	}
	if head, err = d.read(head, 3); err != nil {
		return err
	}
	size := int(head[2])<<8 | int(head[3])
	if head[1] != 0 || size < 11 || size > maxTPKT {
		return d.foreign(head)
	}
	body, err := d.read(nil, size-4)
	if err != nil {
		return err
	}
	s := cryptobyte.String(body)
	var code, kind, flags uint8
	var value []byte
	// The length of the header, the code, two references and the class.
	if !s.Skip(1) || !s.ReadUint8(&code) || code&0xf0 != rdpConfirm || !s.Skip(5) {
		return d.unreadable(WrongProtocol, append(head, body...))
	}
	if s.Empty() {
		d.heard("connection confirm without negotiation")
		return refusal(d, NotOffered, "", "")
	}
	// Type, flags, a length of 8 and a value, the latter two little-endian.
	if !s.ReadUint8(&kind) || !s.ReadUint8(&flags) || !s.Skip(2) || !s.ReadBytes(&value, 4) || !s.Empty() {
		return d.unreadable(Garbled, append(head, body...))
	}
	switch kind {
	case rdpResponse:
		name := rdpProtocols[value[0]]
		if name == "" {
			name = fmt.Sprintf("protocol %d", value[0])
		}
		d.heard("connection confirm, %s", name)
		if value[0] == 1 || value[0] == 2 || value[0] == 8 {
			return nil
		}
		failure := d.fail(NotOffered)
		failure.Capabilities = []string{name}
		return failure
	case rdpFailure:
		d.heard("connection confirm, failure %d %s", value[0], rdpFailures[value[0]])
		return refusal(d, Refused, fmt.Sprint(value[0]), rdpFailures[value[0]])
	}
	return d.unreadable(Garbled, append(head, body...))
}
