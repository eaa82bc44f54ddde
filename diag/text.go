package diag

// Text is what an error message or a log says of a failure.
type Text struct {
	Stack   string     `json:"stack"`             // the program that wrote it, "" when it does not show
	Library string     `json:"library,omitempty"` // what does TLS in it
	Version string     `json:"version,omitempty"`
	Side    string     `json:"side"`    // client or server: where the writer sat; "" when it does not show
	Problem string     `json:"problem"` // in a few words: certificate expired
	Whose   string     `json:"whose"`   // client or server: whose certificate, key or file it is about
	Alert   *TextAlert `json:"alert,omitempty"`
	Codes   []TextCode `json:"codes"`
	Host    string     `json:"host"` // that was wanted, "" when the text does not tell
	Port    int        `json:"port,omitempty"`
	// CertificateName is a name that the certificate has, as the text tells it.
	CertificateName string `json:"certificate_name,omitempty"`
	FirstLine       int    `json:"first_line"` // from 1
	LastLine        int    `json:"last_line"`
	Count           int    `json:"count"`
	Clients         int    `json:"clients,omitempty"` // distinct addresses, in a server's log
	Quote           string `json:"quote"`             // credentials masked
	// Noise says that scanners cause it and no client needs to be broken.
	Noise bool `json:"noise"`
}

// TextAlert is an alert that a text names.
type TextAlert struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
	By     string `json:"by"` // client or server, "" when it does not show
}

// TextCode is a code of a text, decoded.
type TextCode struct {
	Code  string `json:"code"`
	Means string `json:"means"`
}

// Next is the one check that separates the candidates.
type Next struct {
	Text    string `json:"text"`
	Command string `json:"command"`
}
