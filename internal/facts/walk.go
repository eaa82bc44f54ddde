package facts

// Walk is what connections told whose ClientHello was allowed fewer hops than
// the server is away.
type Walk struct {
	Address string
	// Ends is the least number of hops at which the user's own hello met its end
	// (a reset or a close), or vanished while another one still expired on the
	// way; 0 where that was not seen.
	Ends int
	// Answers is the least number at which a hello that works was answered: the
	// server's distance. 0 where none works, or it is unknown.
	Answers int
	// Last is the largest number at which the own hello expired on the way, so
	// that nothing up to there objects to it; 0 for none.
	Last        int
	Connections int
}

// Before tells whether what ends the hello stands before the server.
func (w *Walk) Before() bool { return w != nil && w.Ends > 0 && w.Answers > w.Ends }
