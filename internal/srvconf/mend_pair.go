package srvconf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// pair looks for a certificate and a key that fit, in the folders of those that
// are named. One line is changed rather than two; a line for the key is added
// where none is.
func (m *mender) pair() []Edit {
	cert, key := m.s.Lines[facts.SetCertificate], m.s.Lines[facts.SetKey]
	if cert.Line == 0 || len(m.s.Pairs) > 1 || m.s.Software == "haproxy" && key != cert {
		return nil
	}
	joint := cert.Name == key.Name && m.keyName() == ""
	alone := key.Line == 0 || cert.Name == key.Name
	var held *holding
	if len(m.s.Pairs) == 1 && m.s.Pairs[0].Key != nil {
		held = &holding{key: m.s.Pairs[0].Key}
	}
	current := m.r.hold(cert.Value)
	if m.need.Name == "" && len(current.chain) > 0 && len(current.chain[0].DNSNames) > 0 {
		m.need.Name = strings.Replace(current.chain[0].DNSNames[0], "*", "www", 1)
	}
	m.guessed = m.need.Name == ""
	files := m.nearby(cert.Value, key.Value)
	if !joint && m.good(current.chain) && (held == nil || !chain.MatchesKey(current.chain[0], held.key)) {
		if f := m.keyOf(current.chain[0], files); f != "" && f != key.Value {
			return m.pointKey(cert, key, f, alone)
		}
	}
	var chainFile string
	best, candidates := 0, 0
	for _, f := range files {
		h := m.r.hold(f)
		fits := held != nil && len(h.chain) > 0 && chain.MatchesKey(h.chain[0], held.key)
		if joint {
			fits = h.key != nil && len(h.chain) > 0 && chain.MatchesKey(h.chain[0], h.key)
		}
		if !fits || !m.good(h.chain) || f == cert.Value {
			continue
		}
		candidates++
		if linked(h.chain) > best {
			chainFile, best = f, linked(h.chain)
		}
	}
	switch {
	case chainFile != "" && joint && m.guessed && candidates > 1:
		return nil // whose it should be is not known
	case chainFile != "":
		return m.point(cert, chainFile)
	case joint:
		return nil
	}
	return m.both(cert, key, files, alone)
}

// keyName is the directive that names a key, "" where there is none.
func (m *mender) keyName() string {
	return map[string]string{"nginx": "ssl_certificate_key", "apache": "SSLCertificateKeyFile", "postfix": map[bool]string{true: "smtpd_tls_key_file"}[m.s.Lines[facts.SetCertificate].Name == "smtpd_tls_cert_file"], "dovecot": "ssl_key"}[m.s.Software]
}

// keyOf is the file of the key of a certificate.
func (m *mender) keyOf(c *chain.Certificate, files []string) string {
	for _, f := range files {
		if h := m.r.hold(f); h.key != nil && chain.MatchesKey(c, h.key) {
			return f
		}
	}
	return ""
}

// pointKey lets the configuration name another key, with a line of its own
// where it has none.
func (m *mender) pointKey(cert, key facts.Line, file string, alone bool) []Edit {
	if !alone {
		return m.point(key, file)
	}
	if m.s.Software == "dovecot" {
		file = "<" + file
	}
	return m.set(facts.Line{}, file, m.keyName(), cert)
}

// both looks for another certificate of the name together with its key.
func (m *mender) both(cert, key facts.Line, files []string, alone bool) []Edit {
	var chainFile, keyFile string
	best := 0
	leaves := map[string]bool{}
	for _, f := range files {
		h := m.r.hold(f)
		if !m.good(h.chain) || m.guessed && h.chain[0].IsCA() {
			continue
		}
		k := m.keyOf(h.chain[0], files)
		if k == "" {
			continue
		}
		leaves[string(h.chain[0].Raw)] = true
		if linked(h.chain) > best {
			chainFile, keyFile, best = f, k, linked(h.chain)
		}
	}
	if chainFile == "" || m.guessed && len(leaves) > 1 {
		return nil
	}
	edits := m.point(cert, chainFile)
	if keyFile == chainFile && alone {
		return edits
	}
	return slices.Concat(edits, m.pointKey(cert, key, keyFile, alone))
}

// linked counts the certificates that follow one another from the first.
func linked(certs []*chain.Certificate) int {
	n := min(1, len(certs))
	for n > 0 && n < len(certs) && certs[n].Subject.Equal(certs[n-1].Issuer) {
		n++
	}
	return n
}

func (m *mender) good(certs []*chain.Certificate) bool {
	if len(certs) == 0 {
		return false
	}
	for _, c := range certs {
		if m.need.At.After(c.NotAfter) || m.need.At.Before(c.NotBefore) {
			return false
		}
	}
	return m.need.Name == "" || chain.MatchName(certs[0], m.need.Name).OK
}

// point lets a directive name another file, in the way in which it named the
// old one.
func (m *mender) point(l facts.Line, file string) []Edit {
	old, part := m.parts(&l)
	if part == nil {
		return nil
	}
	value := file
	if written := strings.Trim(part[2], `"'`); !filepath.IsAbs(written) {
		if rel, err := filepath.Rel(strings.TrimSuffix(l.Value, written), file); err == nil && !strings.HasPrefix(rel, "..") {
			value = rel
		}
	}
	return []Edit{{Place: l.Place, Old: old, New: part[1] + value + part[3]}}
}

// nearby are the files of the folders of these files, bounded.
func (m *mender) nearby(files ...string) []string {
	const most, size = 400, 1 << 20
	var out []string
	for _, f := range files {
		f = strings.Trim(f, `"'`)
		dir := filepath.Dir(f)
		entries, err := os.ReadDir(m.r.real(dir))
		if err != nil {
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if info, err := os.Stat(m.r.real(path)); err != nil || !info.Mode().IsRegular() || info.Size() > size || len(out) >= most || slices.Contains(out, path) {
				continue
			}
			out = append(out, path)
		}
	}
	// certbot and others keep a folder for each certificate, with the same names
	// of files in it.
	for _, f := range files {
		f = strings.Trim(f, `"'`)
		found, _ := filepath.Glob(filepath.Join(m.r.real(filepath.Dir(filepath.Dir(f))), "*", filepath.Base(f)))
		for _, path := range found[:min(len(found), most)] {
			if path = filepath.Join(filepath.Dir(filepath.Dir(f)), filepath.Base(filepath.Dir(path)), filepath.Base(f)); !slices.Contains(out, path) {
				out = append(out, path)
			}
		}
	}
	return out
}
