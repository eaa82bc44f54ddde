package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Reason says in plain words why a fetch failed, without the address: the name
// does not resolve, refused, silent, the HTTP status, too large.
func Reason(err error) string {
	var dns *net.DNSError
	var status StatusError
	var network net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &status):
		return status.Error()
	case errors.Is(err, ErrForbiddenAddress):
		return "not asked: its address is of this machine or of a private network, and the target is not"
	case errors.Is(err, ErrScheme):
		return "not asked: only http and https addresses are"
	case errors.Is(err, ErrTooMany):
		return "not asked: too many addresses"
	case errors.Is(err, ErrTooLarge):
		return "the answer is too large"
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("the name %s does not resolve", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s cannot be resolved now", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection is reset"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	}
	_, text, found := strings.Cut(err.Error(), "\": ")
	if !found {
		text = err.Error()
	}
	return text
}
