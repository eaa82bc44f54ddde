// Package monitor watches endpoints: its words (Endpoint, Outcome, State,
// Incident, Message, Silence) and its rules, which are pure. What a handshake
// means is said by package diag's Diagnosis, made elsewhere; this package opens
// no certificate, dials nothing, reads no clock. From what was known of an
// endpoint and what a check saw, Rules.Apply says what is known now, what
// happened and who has to hear of it:
//
//	after := rules.Apply(before, report)
//
// A Store keeps all of that in one transaction; the rooms below this one hold
// the stores, the channels, the configuration and the loops (loop).
package monitor
