package service

import (
	"context"
	"errors"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// versions are the words for Expect.MinVersion.
var versions = []string{"", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}

var (
	goodTag = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)
	goodPin = regexp.MustCompile(`^(sha256//?[A-Za-z0-9+/]{43}=|[0-9A-Fa-f]{64})$`)
)

const maxInterval = 31 * 24 * time.Hour

func invalid(field, msg string) error { return &access.InvalidError{Field: field, Msg: msg} }

// good checks an endpoint that somebody sends, and fills in its host and port.
// Files of the monitor's machine are named by its own configuration only: whoever
// holds a token must not read them, not even whether they are there.
func (s *Service) good(e *monitor.Endpoint) error {
	for field, v := range map[string]string{"cert_file": e.CertFile, "key_file": e.KeyFile, "ca_file": e.CAFile, "disk_file": e.DiskFile, "password_file": e.PasswordFile, "kind": e.Kind, "source": e.Source} {
		if v != "" {
			return invalid(field, "only the configuration file says that")
		}
	}
	var err error
	if e.Host, e.Port, err = s.Parse(e.Target); err != nil {
		return invalid("target", err.Error())
	}
	switch {
	case e.Interval != 0 && (e.Interval < monitor.MinInterval || e.Interval > maxInterval):
		return invalid("interval", "10s to 31 days")
	case e.Inventory != 0 && (e.Inventory < monitor.MinInventory || e.Inventory > maxInterval):
		return invalid("inventory", "1h to 31 days; nothing for none")
	case e.StartTLS != "" && s.StartTLS != nil && !s.StartTLS(e.StartTLS):
		return invalid("starttls", "a protocol such as smtp, imap or postgres")
	case !slices.Contains([]string{"", "system", "mozilla", "apple", "microsoft", "android", "java"}, e.Trust):
		return invalid("trust", "system, mozilla, apple, microsoft, android or java")
	case !slices.Contains(versions, e.Expect.MinVersion):
		return invalid("expect.min_version", "TLS 1.0, TLS 1.1, TLS 1.2 or TLS 1.3")
	case e.Expect.Warn < 0 || e.Expect.Critical < 0:
		return invalid("expect", "a time that is left is not negative")
	case e.Expect.Warn > 0 && e.Expect.Critical > e.Expect.Warn:
		return invalid("expect.critical", "not before expect.warn")
	}
	for _, at := range e.Connect {
		host, port, err := net.SplitHostPort(at)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
			return invalid("connect", strconv.Quote(at)+" is not HOST:PORT")
		}
	}
	for _, pin := range e.Pins {
		if !goodPin.MatchString(pin) {
			return invalid("pins", "sha256/ and 43 characters of base64 with a = behind them, or 64 hexadecimal digits")
		}
	}
	for k, v := range e.Tags {
		if !goodTag.MatchString(k) || len(v) > 200 || strings.ContainsAny(v, "\n\r") {
			return invalid("tags", "names of letters, digits and _ . -, values of one line and at most 200 bytes")
		}
	}
	return nil
}

// Judge tells whether an endpoint could be added, without adding it: an
// *access.InvalidError, or monitor.ErrExists where fresh and there is one.
func (s *Service) Judge(ctx context.Context, e monitor.Endpoint, fresh bool) error {
	if _, err := access.Require(ctx, monitor.ScopeEndpoints); err != nil {
		return err
	}
	if err := s.good(&e); err != nil || !fresh {
		return err
	}
	_, err := s.Store.Endpoint(ctx, monitor.NewID(&e))
	switch {
	case err == nil:
		return monitor.ErrExists
	case errors.Is(err, monitor.ErrNotFound):
		return nil
	}
	return err
}

// Rollups are the hours of an endpoint between two moments, and whole days where
// the hours are forgotten.
func (s *Service) Rollups(ctx context.Context, id string, from, to time.Time) ([]monitor.Rollup, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return nil, err
	}
	return s.Store.Rollups(ctx, id, from, to)
}
