// Package programs holds the trust stores of other programs as dated lists:
// Android, Apple, Windows, OpenJDK and Oracle Java. They are for telling whose
// store lacks a root, and they are large, so that only the command imports them:
//
//	store, err := truststore.Load("apple", programs.Lists{})
//
// The lists were collected by the Trust Stores Observatory; each file below
// lists/ names its source and date. Only roots for TLS servers count. Programs
// can distrust a root for new certificates while it is still in their list; that
// is not known here.
package programs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

//go:generate go run ./gen -yaml observatory -pem observatory/trust_stores_as_pem.tar.gz

//go:embed lists/*.txt
var listFiles embed.FS

//go:embed certificates.gz
var packed []byte

// Lists is the truststore.Source of this package.
type Lists struct{}

var _ truststore.Source = Lists{}

// Names are the lists at hand, in alphabetical order.
func (Lists) Names() []string {
	entries, err := fs.ReadDir(listFiles, "lists")
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".txt"))
	}
	return names
}

// LoadList decodes a list. Certificates are shared by all lists.
func (Lists) LoadList(name string) (*truststore.Store, error) {
	data, err := listFiles.ReadFile(path.Join("lists", name+".txt"))
	if err != nil {
		return nil, fmt.Errorf("%w %q", truststore.ErrUnknown, name)
	}
	all, err := certificates()
	if err != nil {
		return nil, err
	}
	s := &truststore.Store{Name: name, Listed: map[[32]byte]string{}, Blocked: map[[32]byte]string{}}
	scan := bufio.NewScanner(bytes.NewReader(data))
	for scan.Scan() {
		if head, ok := strings.CutPrefix(scan.Text(), "# "); ok {
			readHead(s, head)
			continue
		}
		line, blocked := strings.CutPrefix(scan.Text(), "!")
		id, title, _ := strings.Cut(line, " ")
		var sum [32]byte
		if n, err := hex.Decode(sum[:], []byte(id)); err != nil || n != len(sum) {
			return nil, fmt.Errorf("reading the list %q: a bad fingerprint %q", name, id)
		}
		if blocked {
			s.Blocked[sum] = title
			continue
		}
		s.Listed[sum] = title
		if c := all[sum]; c != nil {
			s.Certs = append(s.Certs, c)
		}
	}
	return s, scan.Err()
}

func readHead(s *truststore.Store, line string) {
	key, value, _ := strings.Cut(line, ": ")
	switch key {
	case "title":
		s.Title = value
	case "source":
		s.From = []string{value}
	case "date":
		s.Date, _ = time.Parse(time.DateOnly, value) // TestLists holds the dates
	}
}

// certificates unpacks the certificates of all lists, once.
var certificates = sync.OnceValues(func() (map[[32]byte]*chain.Certificate, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
	}
	all := map[[32]byte]*chain.Certificate{}
	for s := cryptobyte.String(data); !s.Empty(); {
		var der cryptobyte.String
		if !s.ReadASN1Element(&der, asn1.SEQUENCE) {
			return nil, fmt.Errorf("reading the embedded certificates: byte %d is no certificate", len(data)-len(s))
		}
		c := chain.Parse(der)
		all[c.SHA256] = c
	}
	return all, nil
})
