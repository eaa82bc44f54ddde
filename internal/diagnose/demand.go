package diagnose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/ct"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// demands reads the options that ask for more than a valid path.
func (p *plan) demands(w *facts.Want) error {
	o := &p.opts
	switch {
	case o.MinDHBits < 0 || o.MinDHBits > 16384:
		return usage("such as 2048 or 3072", "--min-dh-bits %d is no size of a Diffie-Hellman prime", o.MinDHBits)
	case o.MaxValidityDays < 0:
		return usage("such as 90", "--max-validity-days %d is negative", o.MaxValidityDays)
	}
	if o.MinDHBits > 0 {
		w.Client.MinDHBits = o.MinDHBits
	}
	if w.Client.Rules.Program == "" && o.CAFile == "" {
		w.Client.Rules.Program = programOf[o.Trust]
	}
	d := &w.Demand
	d.MaxValidityDays = o.MaxValidityDays
	for _, text := range o.Pins {
		pins, err := parsePin(text)
		if err != nil {
			return err
		}
		d.Pins = append(d.Pins, pins...)
	}
	for _, text := range o.TLSA {
		if text == tlsaDNS {
			if p.env.LookupTLSA == nil {
				return usage(`give the records themselves: --tlsa "3 1 1 HEX"`, "--tlsa dns: this program has no way to ask the DNS for TLSA records")
			}
			continue
		}
		r, err := parseTLSA(text)
		if err != nil {
			return err
		}
		d.TLSA, d.TLSAFrom = append(d.TLSA, r), "--tlsa"
	}
	if d.Roots = p.env.Roots; d.Roots == nil {
		d.Roots = truststorePublic()
	}
	if d.Logs = p.env.Logs; d.Logs == nil {
		d.Logs = ct.Known()
	}
	return nil
}

// programOf names the program behind a store that was asked for by name: its
// dates of distrust come with its roots.
var programOf = map[string]string{truststore.Mozilla: "Mozilla", "apple": "Apple", "java": "Java", "openjdk": "Java"}

// truststorePublic turns the root programs' decisions into facts.
func truststorePublic() map[[32]byte]facts.Root {
	out := map[[32]byte]facts.Root{}
	for sum, r := range truststore.Public() {
		root := facts.Root{Programs: r.Programs}
		for _, x := range r.Distrust {
			root.Distrust = append(root.Distrust, facts.Distrust{Program: x.Program, After: x.After, BySCT: x.BySCT})
		}
		out[sum] = root
	}
	return out
}

const pinForms = "write sha256//BASE64 of the public key, 64 hex digits, or a file with a certificate or public key"

// parsePin reads one --pin: a digest or a file.
func parsePin(text string) ([]facts.Pin, error) {
	lower := strings.ToLower(text)
	if strings.HasPrefix(lower, "sha256/") {
		digest := text[len("sha256/"):]
		sum, err := base64.StdEncoding.DecodeString(digest)
		if len(sum) != sha256.Size { // else the slash is a digit
			digest = strings.TrimPrefix(digest, "/")
			sum, err = base64.StdEncoding.DecodeString(digest)
		}
		if err != nil || len(sum) != sha256.Size {
			return nil, usage(pinForms, "--pin %q: what follows %q is no SHA-256 digest in base64 (44 characters)", text, text[:len(text)-len(digest)])
		}
		return []facts.Pin{{Text: text, Sum: [32]byte(sum), Key: true}}, nil
	}
	digits := strings.NewReplacer(":", "", " ", "").Replace(strings.TrimPrefix(lower, "sha256:"))
	if sum, err := hex.DecodeString(digits); err == nil && len(sum) == sha256.Size {
		return []facts.Pin{{Text: text, Sum: [32]byte(sum), Key: true, Certificate: true}}, nil
	}
	data, err := readFile(text)
	if os.IsNotExist(err) && !strings.ContainsAny(text, "/\\.") {
		return nil, usage(pinForms, "--pin %q is neither a digest nor a file", text)
	}
	if err != nil {
		return nil, &FileError{File: text, Role: "pin file", Err: err}
	}
	pins := pinsIn(text, data)
	if len(pins) == 0 && bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return nil, usage("write the public one: openssl pkey -in FILE -pubout", "--pin %s: the file holds a private key", text)
	}
	if len(pins) == 0 {
		return nil, usage(pinForms, "--pin %s: the file holds neither a certificate nor a public key", text)
	}
	return pins, nil
}

// pinsIn reads the keys of a file: certificates and public keys, PEM or DER.
func pinsIn(file string, data []byte) []facts.Pin {
	var out []facts.Pin
	add := func(der []byte, isKey bool) {
		if isKey {
			if k := chain.ParseKey(der); k.Problem == "" && len(k.Raw) > 0 {
				out = append(out, facts.Pin{Text: file, Sum: sha256.Sum256(der), Key: true})
			}
			return
		}
		if c := chain.Parse(der); c.Readable() && c.SPKISHA256 != [32]byte{} {
			out = append(out, facts.Pin{Text: file, Sum: c.SPKISHA256, Key: true})
		}
	}
	rest := data
	for len(out) < 100 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE":
			add(block.Bytes, false)
		case "PUBLIC KEY":
			add(block.Bytes, true)
		}
	}
	if len(out) == 0 && !bytes.Contains(data, []byte("-----BEGIN")) {
		add(data, false)
		if len(out) == 0 && isSPKI(data) {
			add(data, true)
		}
	}
	return out
}

// isSPKI tells a SubjectPublicKeyInfo from other DER.
func isSPKI(data []byte) bool {
	s := cryptobyte.String(data)
	var body cryptobyte.String
	return s.ReadASN1(&body, asn1.SEQUENCE) && s.Empty() && body.SkipASN1(asn1.SEQUENCE) && body.SkipASN1(asn1.BIT_STRING) && body.Empty()
}

// tlsaDNS is the word of --tlsa that asks the DNS.
const tlsaDNS = "dns"

const tlsaForm = `write "USAGE SELECTOR MATCHING HEX" as in a zone file, such as "3 1 1 ab12...", or dns`

// parseTLSA reads a record in its presentation form (RFC 6698, Section 2.2).
func parseTLSA(text string) (facts.TLSA, error) {
	words := strings.Fields(text)
	if len(words) < 4 {
		return facts.TLSA{}, usage(tlsaForm, "--tlsa %q has %d of four fields", text, len(words))
	}
	var n [3]uint8
	for i, most := range []int{3, 1, 2} {
		v, err := strconv.Atoi(words[i])
		if err != nil || v < 0 || v > most {
			return facts.TLSA{}, usage(tlsaForm, "--tlsa %q: the %s %q is not between 0 and %d", text, []string{"usage", "selector", "matching type"}[i], words[i], most)
		}
		n[i] = uint8(v) //nolint:gosec // bounded above
	}
	data, err := hex.DecodeString(strings.Join(words[3:], ""))
	size := []int{0, 32, 64}[n[2]]
	switch {
	case err != nil || len(data) == 0:
		return facts.TLSA{}, usage(tlsaForm, "--tlsa %q: the data is no hex", text)
	case size > 0 && len(data) != size:
		return facts.TLSA{}, usage(tlsaForm, "--tlsa %q: matching type %d needs %d hex digits, there are %d", text, n[2], 2*size, 2*len(data))
	}
	return facts.TLSA{Usage: n[0], Selector: n[1], Matching: n[2], Data: data}, nil
}

// lookupTLSA asks the DNS where the user wants it (RFC 6698, Section 3).
func (p *plan) lookupTLSA(ctx context.Context, w *facts.Want) {
	if !containsWord(p.opts.TLSA, tlsaDNS) {
		return
	}
	name := fmt.Sprintf("_%d._tcp.%s", w.Port, w.Name)
	records, err := p.env.LookupTLSA(ctx, name)
	switch {
	case err != nil:
		p.notes = append(p.notes, fmt.Sprintf("the TLSA records of %s could not be looked up: %v", name, err))
	case len(records) == 0:
		p.notes = append(p.notes, fmt.Sprintf("there is no TLSA record at %s: DANE clients treat the server as any other", name))
	default:
		w.Demand.TLSA = append(w.Demand.TLSA, records...)
		w.Demand.TLSAFrom = "DNS, " + name
		p.notes = append(p.notes, "TLSA records count only when signed by DNSSEC, which was not validated here")
	}
}

func containsWord(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}
