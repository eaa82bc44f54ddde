// Package errtext reads error messages and logs and says what they state:
// which program wrote them, at which end of the connection it sat, what it
// complains about, which alert was sent by whom, what its codes mean. It knows
// words and code tables and draws no conclusion: causes are found by the
// catalogue, from [facts.TextMatch].
//
//	r := errtext.Parse("curl: (60) SSL certificate problem: certificate has expired")
//	r.Matches[0].Problem // facts.ProblemExpired
//
// What it knows is data: patterns/<library>.txt holds phrases and what they
// state, tables/<name>.tsv the codes. Texts are compared word by word, and
// punctuation, case, hyphens, underscores and CamelCase do not count:
// "SSLV3_ALERT_HANDSHAKE_FAILURE", "sslv3 alert handshake failure" and
// "HandshakeFailure" share words. A code is decoded to its name, and the name is
// read like any other words.
package errtext
