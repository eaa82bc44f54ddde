package web

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/pki"
)

// TestDrop drops files on the page of the diagnosis: an expired certificate, an
// error text and a picture, which is none of what the page reads.
func TestDrop(t *testing.T) {
	chromium(t)
	w := newWorld(t)
	b := w.admin()
	b.waitText("Watch them")
	for _, f := range []struct{ name, content, want string }{
		{"site.pem", string(pki.PEM(w.Leaf(pki.Spec{DNS: []string{local}, NotAfter: time.Now().Add(-time.Hour)}))), "cert-expired"},
		{"build.log", "curl: (35) error:0A00042E:SSL routines::tlsv1 alert protocol version", "protocol-version"},
		{"me.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "this is no text"},
	} {
		b.open("/diagnose")
		b.on("the page", "document.querySelector('form.ask')", `const what = new DataTransfer();
what.items.add(new File([Uint8Array.from(atob(`+quoted(base64.StdEncoding.EncodeToString([]byte(f.content)))+`), c => c.charCodeAt(0))], `+quoted(f.name)+`));
e.dispatchEvent(new DragEvent('drop', {dataTransfer: what, bubbles: true, cancelable: true}))`)
		b.waitText(f.want)
	}
}
