package keyfile

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Named is one file, or one part of a file that holds several.
type Named struct {
	Name string // "namespace/name entry" of a Secret, "" for a whole file
	Data []byte
	// Key is the private key's data where the certificates are apart from it.
	Key []byte
	// Problem is what is wrong with the entry itself, nil = nothing.
	Problem error
}

// The bounds of one manifest.
const (
	maxDocuments = 1000
	maxParts     = 10_000
	maxDepth     = 50
)

// Manifests takes the certificates out of Kubernetes manifests and of JSON of
// any kind: Secrets, ConfigMaps, Lists of them, kubeconfigs, the caBundle of a
// webhook, the store of an ACME client. It gives nothing for any other text.
func Manifests(data []byte) []Named {
	start := bytes.TrimSpace(data[:min(len(data), 4096)])
	if !bytes.Contains(data, []byte("apiVersion")) && !bytes.HasPrefix(start, []byte("{")) && !bytes.HasPrefix(start, []byte("[")) {
		return nil
	}
	m := &manifest{}
	d := yaml.NewDecoder(bytes.NewReader(data))
	for range maxDocuments {
		var doc yaml.Node
		if err := d.Decode(&doc); err != nil {
			if !errors.Is(err, io.EOF) && len(m.parts) > 0 {
				m.parts = append(m.parts, Named{Name: "behind them", Problem: fail(ErrFormat, "", "what follows is no YAML: %v", err)})
			}
			break
		}
		for _, n := range doc.Content {
			m.walk(n, "", "", 0)
		}
	}
	return m.parts
}

// manifest gathers the parts of a file.
type manifest struct{ parts []Named }

// walk looks at every mapping. The title names what it belongs to; kind is that
// of the object.
func (m *manifest) walk(n *yaml.Node, title, kind string, depth int) {
	if depth > maxDepth || len(m.parts) >= maxParts {
		return
	}
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content { // aliases have none: nothing is read twice
			m.walk(c, title, kind, depth+1)
		}
		return
	}
	kind = cmp.Or(textOf(n, "kind"), kind)
	if of := child(n, "metadata"); of != nil {
		name := textOf(of, "name")
		if space := textOf(of, "namespace"); space != "" {
			name = space + "/" + name
		}
		title = strings.TrimSpace(title + " " + name)
	} else if name := textOf(n, "name"); name != "" {
		title = strings.TrimSpace(title + " " + name)
	}
	m.entries(n, title, false)
	for i := 1; i < len(n.Content); i += 2 {
		if c, key := n.Content[i], n.Content[i-1].Value; c.Kind == yaml.MappingNode && strings.HasPrefix(kind, "Secret") && key == "data" {
			m.secret(c, title)
		} else {
			m.walk(c, title, kind, depth+1)
		}
	}
}

// entries adds the certificates among the values of a mapping, each with the
// private key whose entry has the same name but for the word key. Plain text is
// left out where all must be base64.
func (m *manifest) entries(n *yaml.Node, title string, encoded bool) {
	certs, keys := map[string][]byte{}, map[string][]byte{}
	for i := 1; i < len(n.Content); i += 2 {
		name, v := n.Content[i-1].Value, []byte(n.Content[i].Value)
		if n.Content[i].Kind != yaml.ScalarNode {
			continue
		}
		if plain := unwrap(v); plain != nil || encoded {
			v = plain
		}
		switch {
		case bytes.Contains(v, []byte("CERTIFICATE-----")), isJKS(v), isPKCS12(v), encodedTwice(v):
			certs[name] = v
		case bytes.Contains(v, []byte("PRIVATE KEY-----")):
			keys[stem(name)] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(certs)) {
		m.parts = append(m.parts, Named{Name: strings.TrimSpace(title + " " + name), Data: certs[name], Key: keys[stem(name)]})
	}
}

// secret adds what is in the data of a Secret, where all must be base64.
func (m *manifest) secret(n *yaml.Node, title string) {
	for i := 1; i < len(n.Content); i += 2 {
		name, v := n.Content[i-1].Value, strings.TrimSpace(n.Content[i].Value)
		part := Named{Name: strings.TrimSpace(title + " " + name)}
		switch {
		case strings.Contains(v, "-----BEGIN "):
			part.Problem = fail(ErrFormat, "move it to stringData, or encode it: base64 -w0 FILE", "it is plain text, and Kubernetes wants base64 under data")
		case name == "tls.crt" && v == "":
			part.Problem = fail(ErrEmpty, "", "it is empty")
		case name == "tls.crt" && unwrap([]byte(v)) == nil:
			part.Problem = fail(ErrFormat, "encode it: base64 -w0 FILE", "it is no base64")
		default:
			continue
		}
		m.parts = append(m.parts, part)
	}
	m.entries(n, title, true)
}

// roles are the words that tell a certificate's entry from its key's.
var roles = regexp.MustCompile(`(?i)certificate|cert|crt|pem|private|key|chain|full|[^a-z0-9]`)

// stem is the name of an entry without its role: tls for tls.crt and tls.key.
func stem(name string) string { return roles.ReplaceAllString(strings.ToLower(name), "") }

// child gives the mapping under a key, nil = none.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 1; i < len(n.Content); i += 2 {
		if n.Content[i-1].Value == key && n.Content[i].Kind == yaml.MappingNode {
			return n.Content[i]
		}
	}
	return nil
}

// textOf gives the text under a key, "" = none.
func textOf(n *yaml.Node, key string) string {
	for i := 1; i < len(n.Content); i += 2 {
		if n.Content[i-1].Value == key && n.Content[i].Kind == yaml.ScalarNode {
			return n.Content[i].Value
		}
	}
	return ""
}
