package ct

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	_ "embed" // of logs.txt
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Fresh is how long browsers go by a list of logs: after ten weeks without an
// update Chrome and Firefox stop to demand SCTs.
const Fresh = 70 * 24 * time.Hour

// List is a dated list of logs.
type List struct {
	Date time.Time
	logs map[[32]byte]*Log
}

// Log is one log.
type Log struct {
	Name, Operator string
	// Retired is the moment from which its SCTs no longer count; zero = in
	// service.
	Retired time.Time

	key *ecdsa.PublicKey
}

func (l *Log) retired() bool { return !l.Retired.IsZero() }

// NewList makes an empty list of that date.
func NewList(date time.Time) *List { return &List{Date: date, logs: map[[32]byte]*Log{}} }

// Add adds a log with its public key.
func (l *List) Add(log Log, key *ecdsa.PublicKey) error {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key of the log %q: %w", log.Name, err)
	}
	log.key = key
	l.logs[sha256.Sum256(spki)] = &log
	return nil
}

// Log finds a log by its id, the SHA-256 of its key; nil = not in the list.
func (l *List) Log(id [32]byte) *Log { return l.logs[id] }

// Len is the number of logs.
func (l *List) Len() int { return len(l.logs) }

//go:embed logs.txt
var embedded string

// Known is the embedded list. It is shared and not to be changed.
var Known = sync.OnceValue(func() *List {
	list, err := parseList(embedded)
	if err != nil {
		return NewList(time.Time{}) // a test reads the file and fails here
	}
	return list
})

// parseList reads the form of logs.txt.
func parseList(text string) (*List, error) {
	list, operator := NewList(time.Time{}), ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if date, ok := strings.CutPrefix(line, "# date: "); ok {
			at, err := time.Parse(time.DateOnly, date)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			list.Date = at
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "operator: "); ok {
			operator = name
			continue
		}
		words := strings.Fields(line)
		if len(words) < 2 {
			return nil, fmt.Errorf("line %d: a key and a name were expected", n)
		}
		log := Log{Name: words[1], Operator: operator}
		if len(words) == 3 {
			at, err := time.Parse(time.DateOnly, words[2])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			log.Retired = at
		}
		point, err := base64.StdEncoding.DecodeString(words[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, point...))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err := list.Add(log, key); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return list, nil
}
