package echo

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	greeting = "TLSWHY-ECHO/1 "
	maxLine  = 4 << 10
	// maxReport bounds one report, whose hellos are in base64.
	maxReport = 2 * maxKept
)

// The ways to speak with a Server.
const (
	InClear   = "in clear"
	WithinTLS = "within TLS"
)

// ErrSecret says that the other end does not know the secret, or that something
// in between changed what was said.
var ErrSecret = errors.New("what answers does not know the secret")

type report struct {
	From     string    `json:"from"` // the client's address, as the server sees it
	Last     int       `json:"last"`
	Arrivals []Arrival `json:"arrivals"`
}

// Client asks a Server what arrived.
type Client struct {
	// Channel is InClear or WithinTLS, From our address as the server sees it.
	Channel, From string

	conn  net.Conn
	r     *bufio.Reader
	key   []byte
	count int
	last  int
}

// Dialer connects, as net.Dialer does.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Dial opens the dialogue in clear, or else within TLS. What arrived before is
// not reported.
func Dial(ctx context.Context, dial Dialer, address string, secret Secret) (*Client, error) {
	var errs []error
	for _, channel := range []string{InClear, WithinTLS} {
		c, err := open(ctx, dial, address, secret, channel)
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", channel, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func open(ctx context.Context, dial Dialer, address string, secret Secret, channel string) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, greetWait/2)
	defer cancel()
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if channel == WithinTLS {
		// Who answers is proven by the secret, in the dialogue itself; a proxy
		// that inspects may stand between, and shall.
		over := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
		if err := over.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = over
	}
	c := &Client{Channel: channel, conn: conn, r: bufio.NewReaderSize(conn, maxLine)}
	if err := c.greet(secret); err != nil {
		_ = conn.Close()
		return nil, err
	}
	_, err = c.Arrivals(ctx)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// greet proves both ends to each other.
func (c *Client) greet(secret Secret) error {
	ours := nonce()
	if _, err := io.WriteString(c.conn, greeting+ours+"\n"); err != nil {
		return err
	}
	theirs, err := readLine(c.r)
	if err != nil {
		return err
	}
	if !isNonce(theirs) {
		return errors.New("what answers is no echo server")
	}
	if _, err := io.WriteString(c.conn, secret.sign("client", ours, theirs)+"\n"); err != nil {
		return err
	}
	proof, err := readLine(c.r)
	if errors.Is(err, io.EOF) {
		return errors.New("it did not accept the secret")
	}
	if err != nil {
		return err
	}
	if !same(proof, secret.sign("server", ours, theirs)) {
		return ErrSecret
	}
	c.key = []byte(secret.sign("session", ours, theirs))
	return nil
}

// Arrivals are those since the last call.
func (c *Client) Arrivals(ctx context.Context) ([]Arrival, error) {
	_ = c.conn.SetDeadline(time.Now().Add(greetWait))
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := fmt.Fprintf(c.conn, "report %d\n", c.last); err != nil {
		return nil, err
	}
	line, err := readUpTo(c.r, maxReport)
	if err != nil {
		return nil, err
	}
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || !same(line[i+1:], sign(c.key, strconv.Itoa(c.count), line[:i])) {
		return nil, ErrSecret
	}
	c.count++
	var r report
	if err := json.Unmarshal([]byte(line[:i]), &r); err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	first := c.count == 1
	c.last, c.From = r.Last, r.From
	if first {
		return nil, nil
	}
	return r.Arrivals, nil
}

// Close ends the dialogue.
func (c *Client) Close() { _ = c.conn.Close() }

// readLine reads a short line.
func readLine(r *bufio.Reader) (string, error) { return readUpTo(r, maxLine) }

func readUpTo(r *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return strings.TrimRight(string(line), "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		case len(line) > most:
			return "", errors.New("a line has no end")
		}
	}
}
