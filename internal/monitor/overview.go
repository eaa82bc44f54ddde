package monitor

import "time"

// Overview sums the endpoints and certificates up.
type Overview struct {
	Endpoints int
	States    map[Standing]int
	// Owners and Issuers have the largest first, at most MaxGroups of each; Others
	// of both sum up the rest. Owners count endpoints, Issuers leaf certificates.
	Owners, Issuers []Group
	// Holders are leaf certificates by the owners of the endpoints that serve them,
	// bounded as Owners are; one that two owners serve counts for both.
	Holders []Group
	// Lifetimes are leaf certificates by how long they are valid, the shortest first.
	Lifetimes []Group
}

// Group is a part of what is watched.
type Group struct {
	Name              string // "" where there is none
	Others            bool   // the groups that are too many to name
	Count             int
	Critical, Warning int       // endpoints
	First             time.Time // of Owners: when the first certificate ends; zero where none was seen
}

// MaxGroups bounds the groups of an Overview.
const MaxGroups = 12

// Lifetime is a class of certificates.
type Lifetime struct {
	Name string
	Days int // at most, begun ones counted; 0 of the last
}

// Lifetimes are the bounds by which certificates are told apart: what CAs issue
// (6 days, and 47, 100, 200 and 398 by the Baseline Requirements, Section 6.3.2)
// and what private ones do.
var Lifetimes = []Lifetime{
	{"up to 10 days", 10}, {"up to 47 days", 47}, {"up to 100 days", 100}, {"up to 200 days", 200}, {"up to 398 days", 398}, {"longer", 0},
}
