package starttls

import (
	"context"
	"net"
)

var _ = register(lmtp{})

// lmtp is RFC 2033 with STARTTLS of RFC 3207.
type lmtp struct{}

// Name is "lmtp".
func (lmtp) Name() string { return "lmtp" }

// Ports is 24. RFC 2033 names none and forbids 25.
func (lmtp) Ports() []int { return []int{24} }

// Dialogue is greeting, LHLO, STARTTLS.
func (p lmtp) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), mail{hello: "LHLO"}.talk)
}
