package monitor

import "time"

// EndsQuery is a part of the time axis, in so many bins of the same length.
type EndsQuery struct {
	Now      time.Time
	From, To time.Time
	Bins     int // at most MaxBins
}

// MaxBins bounds the bins of an axis.
const MaxBins = 400

// Ends are leaf certificates by when they end. Those outside of the axis are
// counted as Before and After.
type Ends struct {
	Bins          []Bin
	Before, After int
}

// Bin is a part of the axis.
type Bin struct {
	From, To time.Time
	Count    int
	Due      int // of them that should have been renewed: see RenewalDue
}

// RenewalDue is when a certificate ought to be renewed: when a third of its
// lifetime is left, as ACME clients do it.
func RenewalDue(e *Element) time.Time { return renewalDue(e) }
