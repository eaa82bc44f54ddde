package chain

// Analyze builds all paths of the first sent certificate and says everything
// that is wrong with each.
func Analyze(in Input) *Analysis {
	return &Analysis{}
}
