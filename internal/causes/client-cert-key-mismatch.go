package causes

import (
	"github.com/tlswhy/tlswhy/diag"
)

var _ = register(rule{id: "client-cert-key-mismatch", rank: rankLocal, match: func(v *view) *match {
	w := &v.c.Want
	if !w.IdentityKeyMismatch || len(v.addrs) > 0 || len(w.Identity) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: "your private key does not belong to your client certificate"}
	m.see(w.IdentityCertFile, "the certificate is for %s, its key is %s with SPKI SHA-256 %x", w.Identity[0].Title(), w.Identity[0].Key, w.Identity[0].SPKISHA256[:8])
	return m.see(w.IdentityKeyFile, "the public half of this key is another one")
}})
