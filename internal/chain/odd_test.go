package chain

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPrint(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.pem")
	for _, f := range files {
		data, _ := os.ReadFile(f)
		certs, rest := ParsePEM(data)
		for _, c := range certs {
			t.Logf("{%q, %q, %q, %v, %q, %q},%s", filepath.Base(f), c.Key, c.SignatureAlgorithm.Name, c.SelfSigned(), c.Malformed, c.GoError(), rest)
		}
	}
}
