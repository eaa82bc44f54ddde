package keyfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Named is one file, or one part of a file that holds several.
type Named struct {
	Name string // "namespace/name" of a Secret, "" for a whole file
	Data []byte
	// Key is the private key's data where the certificates are apart from it.
	Key []byte
}

// maxDocuments bounds the documents of one manifest.
const maxDocuments = 1000

// manifest is what a Secret, a ConfigMap or a List of them look like.
type manifest struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Data     map[string]string
	// StringData holds plain text where Data of a Secret is base64.
	StringData map[string]string `yaml:"stringData"`
	Items      []manifest
}

// Manifests takes the certificates out of Kubernetes manifests (YAML or JSON:
// Secrets, ConfigMaps, Lists of them). It gives nothing for any other text.
func Manifests(data []byte) []Named {
	if !bytes.Contains(data, []byte("kind")) || !bytes.Contains(data, []byte("ata")) {
		return nil
	}
	var out []Named
	d := yaml.NewDecoder(bytes.NewReader(data))
	for range maxDocuments {
		var m manifest
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return out
		}
		for _, x := range append([]manifest{m}, m.Items...) {
			out = append(out, x.parts()...)
		}
	}
	return out
}

// parts are the certificates of one object: tls.crt with tls.key, and every
// other entry that is a file of certificates.
func (m manifest) parts() []Named {
	if m.Kind != "Secret" && m.Kind != "ConfigMap" {
		return nil
	}
	values := map[string][]byte{}
	for k, v := range m.StringData {
		values[k] = []byte(v)
	}
	for k, v := range m.Data {
		values[k] = []byte(v)
		if m.Kind == "Secret" {
			plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v), ""))
			if err != nil {
				continue
			}
			values[k] = plain
		}
	}
	name := m.Metadata.Name
	if m.Metadata.Namespace != "" {
		name = m.Metadata.Namespace + "/" + name
	}
	var keys []string
	for k, v := range values {
		if bytes.Contains(v, []byte("-----BEGIN ")) && !strings.HasSuffix(k, ".key") || isJKS(v) || isPKCS12(v) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var out []Named
	for _, k := range keys {
		n := Named{Name: name + " " + k, Data: values[k]}
		if base, ok := strings.CutSuffix(k, ".crt"); ok {
			n.Key = values[base+".key"]
		}
		out = append(out, n)
	}
	return out
}
