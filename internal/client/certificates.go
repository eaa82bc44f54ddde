package client

import "slices"

// stacks are the clients whose judgement was measured, in the order of the
// letters in judgements: OpenSSL 3.0, curl 7.88, Go 1.26, OpenJDK 17, Node 20,
// Python 3.11, wget and gnutls-cli with GnuTLS 3.7, Chromium 156, Firefox 153.
var stacks = [...]string{"OpenSSL", "curl", "Go", "Java", "Node.js", "Python", "wget", "GnuTLS", "Chrome", "Firefox"}

// judgements holds, per problem of a server, how each of stacks took it when
// it was measured in 2026: + goes on, - fails, . was not run or cannot be said.
var judgements = map[string]string{
	//                            OCGJNPwgCF
	"cn-only":                   "++-+++++--", // the name stands only in the common name
	"eku":                       "------+---", // EKU without serverAuth
	"ku":                        "+++-+++--+", // key usage without digitalSignature
	"ku-none":                   "--+---+--.", // nor keyEncipherment, nor keyAgreement
	"leaf-is-ca":                "+++++++++-", // leaf with CA:true
	"sha1":                      "---+------", // leaf signed with SHA-1, private CA
	"rsa1024":                   "--+++-++++", // RSA-1024 leaf, private CA
	"ed25519":                   "++++++++--", // Ed25519 certificate
	"p521":                      "++++++++-+", // P-521 certificate
	"must-staple":               "++++++--+-", // must-staple and no staple
	"staple-revoked":            "++++++----", // stapled response: revoked
	"staple-stale":              "++++++--+-", // stapled response out of date
	"staple-future":             "+++++++++-", // of tomorrow
	"staple-other":              "++++++--+-", // about another certificate
	"staple-signature":          "++++++--+-", // signature broken, or a stranger's
	"staple-signer":             "++++++--+-", // by a responder without the right to sign
	"staple-garbage":            "++++++--+-", // no OCSP response at all
	"staple-error":              "+++++++++-", // a responder's error: unauthorized, tryLater
	"staple-unknown":            "+++++++++-", // status unknown
	"staple-revoked-stale":      "++++++--+-", // revoked, and out of date
	"tls10-only":                "------++--",
	"static-rsa-only":           "++-++-++++",
	"dhe-only":                  "++-+++.+..", // DHE with 2048 bits and nothing else
	"dhe-1024":                  "---++-.+--",
	"p521-group-only":           "++++++++-+",
	"pq-group-only":             "--+-----++", // X25519MLKEM768 and nothing else
	"sha1-server-signature":     ".--+--....", // the handshake is signed with SHA-1 alone
	"alpn-mismatch":             "+--+++++--", // the server knows neither h2 nor http/1.1
	"alert112-warning":          "+++-++++++", // unrecognized_name as a warning
	"large-hello":               "++-+++++--", // hello above 1400 bytes is dropped: who sends one
	"incomplete-chain":          "--------++", // an intermediate is missing; see remarks
	"no-rfc5746":                "--++--++++", // no secure renegotiation
	"chain-order":               "++++++++++", // out of order, or with the root
	"name-constraints-violated": "-----...--",

	// Breaches of a rule, by facts.ViolationKind, on the servers of the lab that
	// commit them. Where two of one kind were taken differently, there is a dot.
	"breach-version":     "--------..",
	"breach-legacy":      "++--++--..",
	"breach-suite":       "--------..",
	"breach-compression": "--------..",
	"breach-extension":   "--..----..",
	"breach-duplicate":   "---+--++..",
	"breach-alpn":        "------.+..",
	"breach-session-id":  "---+--++..",
	"breach-group":       "--------..",
	"breach-key-share":   "--------..",
	"breach-scheme":      "---+--....",
	"breach-order":       "---.----..",
	"breach-plaintext":   "--------..",
	"breach-ccs":         "------++..",
	"breach-zero":        "---.--....",
	"breach-psk":         "--------..",
	"breach-retry-same":  "------++..",
}

// remarks say under which condition a stack goes on or fails.
var remarks = map[string]map[string]string{
	"incomplete-chain": {
		"Chrome":  "Chrome where it fetches the intermediate by AIA or remembers it",
		"Firefox": "Firefox where the intermediate is preloaded or remembered",
	},
	"staple-stale":         {"Firefox": asksItself},
	"staple-future":        {"Firefox": asksItself},
	"staple-other":         {"Firefox": asksItself},
	"staple-signer":        {"Firefox": asksItself},
	"staple-revoked-stale": {"Firefox": asksItself},
	"rsa1024":              {"Chrome": "Chrome with a private CA"},
	"sha1":                 {"Java": "Java with a private CA"},
}

// asksItself: such staples make Firefox ask the responder, whose good answer it
// takes.
const asksItself = "Firefox where it cannot ask the responder itself"

// Breaks tells whether a client breaks on a problem of judgements, as measured;
// known is false where it was not. stack is the client's of facts.Client.
func Breaks(stack, problem string) (breaks, known bool) {
	i := slices.Index(stacks[:], stack)
	row := judgements[problem]
	if i < 0 || row == "" || row[i] == '.' {
		return false, false
	}
	return row[i] == '-', true
}

// stackOf is the stack by whose measured judgements a client goes: those of old
// releases were not measured.
func stackOf(p *Profile) string {
	if p.Current && slices.Contains(stacks[:], p.Family) {
		return p.Family
	}
	return ""
}

// CertFamilies says which clients break on a problem of a server's certificate
// or handshake, and which go on, as measured. The problems are the keys of
// judgements; an unknown one gives nil, nil. A client in neither list was not
// measured.
func CertFamilies(problem string) (breaks, passes []string) {
	row, ok := judgements[problem]
	if !ok {
		return nil, nil
	}
	for i, name := range stacks {
		if remark := remarks[problem][name]; remark != "" {
			name = remark
		}
		switch row[i] {
		case '-':
			breaks = append(breaks, name)
		case '+':
			passes = append(passes, name)
		}
	}
	return breaks, passes
}
