package keyfile

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

func TestManifests(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p.pkcs8(t)})
	b64 := base64.StdEncoding.EncodeToString
	c, k := b64(p.pem()), b64(key)
	indent := func(text []byte) string {
		return "    " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ")
	}
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: shop, namespace: web}\n"
	for _, tt := range []struct {
		name, data string
		want       []string // "name" of each part, "+" = with a key, "!" = with a problem
	}{
		{"secret", secret + "type: kubernetes.io/tls\ndata: {tls.crt: " + c + ", tls.key: " + k + ", ca.crt: " + c + "}\n", []string{"web/shop ca.crt", "web/shop tls.crt +"}},
		{"several documents", "kind: Pod\napiVersion: v1\n---\n" + secret + "data: {tls.crt: " + c + "}\n---\n" + secret + "data: {server.pem: " + c + ", server-key.pem: " + k + "}\n",
			[]string{"web/shop tls.crt", "web/shop server.pem +"}},
		{"list in JSON", fmt.Sprintf(`{"kind":"List","apiVersion":"v1","items":[{"kind":"Secret","metadata":{"name":"a"},"data":{"tls.crt":%q,"tls.key":%q}}]}`, c, k), []string{"a tls.crt +"}},
		{"SecretList", "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n  data: {tls.crt: " + c + "}\n", []string{"a tls.crt"}},
		{"stringData", secret + "stringData:\n  tls.crt: |\n" + indent(p.pem()) + "\n  tls.key: |\n" + indent(key) + "\n", []string{"web/shop tls.crt +"}},
		{"ConfigMap", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ca}\ndata:\n  bundle: |\n" + indent(p.pem()) + "\n", []string{"ca bundle"}},
		{"kubeconfig", "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster: {certificate-authority-data: " + c + "}\nusers:\n- name: me\n  user: {client-certificate-data: " + c + ", client-key-data: " + k + "}\n",
			[]string{"prod certificate-authority-data", "me client-certificate-data +"}},
		{"webhook", "apiVersion: v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: v}\nwebhooks:\n- name: w\n  clientConfig: {caBundle: " + c + "}\n", []string{"v w caBundle"}},
		{"an ACME client's store", fmt.Sprintf(`{"le":{"Certificates":[{"domain":{"main":"x"},"certificate":%q,"key":%q}]}}`, c, k), []string{"certificate +"}},
		{"keystore", secret + "data: {keystore.jks: " + b64(p.jks(t, "shop")) + ", note: aGVsbG8=}\n", []string{"web/shop keystore.jks"}},
		{"plain text under data", secret + "data:\n  tls.crt: |\n" + indent(p.pem()) + "\n", []string{"web/shop tls.crt !"}},
		{"no base64", secret + "data: {tls.crt: 'no base64'}\n", []string{"web/shop tls.crt !"}},
		{"empty", secret + "data: {tls.crt: ''}\n", []string{"web/shop tls.crt !"}},
		{"broken behind a good one", secret + "data: {tls.crt: " + c + "}\n---\na: [\n", []string{"web/shop tls.crt", "behind them !"}},
		{"an alias of itself", "apiVersion: &a [*a]\n", nil},
		{"pem", string(p.pem()), nil},
		{"other YAML", "a: b\n", nil},
		{"JSON", `{"a":[1,2,{"b":null}]}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, n := range Manifests([]byte(tt.data)) {
				s := n.Name
				if n.Key != nil {
					s += " +"
				}
				if n.Problem != nil {
					s += " !"
				}
				got = append(got, s)
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
