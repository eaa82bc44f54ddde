package diagnose_test

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// TestSlowServer wants nothing wrong found with a server that takes longer for
// its first word than experiments are given: their silence is ours.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	const late = 1400 * time.Millisecond
	config := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		time.Sleep(late)
		return nil, nil
	}}
	address, ca := overTLS(t, config, func(c *secured) {
		hear(c)
		time.Sleep(late)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") // the client may have gone
	})
	o := hasty(address)
	o.Trust, o.CAFile, o.Timeout = "", ca, 10*time.Second // a busy machine is slower still
	d := run(t, "https://shop.lab.test", o)
	if d.Verdict != diag.OK || len(d.Causes) > 0 {
		t.Errorf("verdict %s\n%s", d.Verdict, describe(d))
	}
}
