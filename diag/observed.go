package diag

import (
	"fmt"
	"strings"
	"time"
)

// Observed says where and how often a failure was seen that another client
// met: in a packet capture.
type Observed struct {
	Client string `json:"client"` // its IP address
	Count  int    `json:"count"`  // connections that failed alike
	// FirstPacket and LastPacket enclose the connection that is shown; Packets
	// hold the ends of the first ones of all. From 1, as Wireshark counts.
	FirstPacket int       `json:"first_packet"`
	LastPacket  int       `json:"last_packet"`
	Packets     []int     `json:"packets"`
	First       time.Time `json:"first"`   // when the first of them began
	Last        time.Time `json:"last"`    // ... and the last
	Outcome     string    `json:"outcome"` // failed; left: the handshake stood, the client went without a request
	// Later says that the same client got through afterwards; "" when it was
	// not seen to.
	Later string `json:"later,omitempty"`
}

// Text is the same in one line.
func (o *Observed) Text() string {
	s := fmt.Sprintf("seen in packets %d to %d, from %s at %s", o.FirstPacket, o.LastPacket, o.Client, o.First.Format("15:04:05.000 UTC"))
	if o.Count > 1 {
		var at []string
		for _, n := range o.Packets {
			at = append(at, fmt.Sprint(n))
		}
		s = fmt.Sprintf("seen %d times from %s, from %s to %s; the ends are in packets %s", o.Count, o.Client,
			o.First.Format("15:04:05 UTC"), o.Last.Format("15:04:05 UTC"), strings.Join(at, ", "))
	}
	if o.Later != "" {
		s += "; " + o.Later
	}
	return s
}
