package probe

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// Source is where connections leave this machine; the zero value leaves that to
// the system. The addresses are one of each family at most.
type Source struct {
	Name      string // as the user wrote it
	V4, V6    netip.Addr
	Interface string // to bind to; "" = the addresses decide
	// Weak says why an interface that was named is not bound to; its addresses
	// are the source then, and the routes decide which way the packets take.
	Weak string
}

// ParseSource reads an address of this machine or the name of an interface.
func ParseSource(s string) (Source, error) {
	src := Source{Name: s}
	all, err := net.Interfaces()
	if err != nil {
		return src, fmt.Errorf("listing the interfaces: %w", err)
	}
	var known []string
	for _, i := range all {
		var own []netip.Addr
		addrs, _ := i.Addrs() // without addresses it is only a name
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				own = append(own, p.Addr().Unmap().WithZone(""))
			}
		}
		if i.Name == s {
			for _, a := range own {
				src.take(a, a.IsLinkLocalUnicast())
			}
			if src.Weak = bindable(i.Name); src.Weak == "" {
				src.Interface = i.Name
			}
			if i.Flags&net.FlagUp == 0 {
				return src, fmt.Errorf("the interface %s is down", s)
			}
			if !src.V4.IsValid() && !src.V6.IsValid() {
				return src, fmt.Errorf("the interface %s has no address", s)
			}
			return src, nil
		}
		if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && (slices.Contains(own, a.Unmap()) || a.IsLoopback() && i.Flags&net.FlagLoopback != 0) {
			src.take(a.Unmap(), false)
			return src, nil
		}
		if len(own) > 0 {
			known = append(known, fmt.Sprintf("%s (%s)", i.Name, own[0]))
		}
	}
	return src, fmt.Errorf("this machine has no address and no interface %q; it has %s", s, strings.Join(known, ", "))
}

// take keeps an address where there is none of its family; a poor one only until
// a better one comes.
func (s *Source) take(a netip.Addr, poor bool) {
	to := &s.V4
	if a.Is6() {
		to = &s.V6
	}
	if !to.IsValid() || to.IsLinkLocalUnicast() && !poor {
		*to = a
	}
}

// Set tells whether a source was chosen.
func (s Source) Set() bool { return s.V4.IsValid() || s.V6.IsValid() }

// Reaches tells whether an address is of a family that the source has.
func (s Source) Reaches(a netip.Addr) bool {
	return !s.Set() || a.Unmap().Is4() && s.V4.IsValid() || a.Unmap().Is6() && s.V6.IsValid()
}

// bind makes a socket leave from the source. A bound interface picks its address
// itself.
func (s Source) bind(c syscall.RawConn) (err error) {
	if s.Interface == "" {
		return nil
	}
	if failed := c.Control(func(fd uintptr) { err = bindTo(fd, s.Interface) }); failed != nil {
		return failed
	}
	return err
}

// local is the address to dial address from, nil where the system picks it.
func (s Source) local(address string) net.Addr {
	if s.Interface != "" || !s.Set() {
		return nil
	}
	from := s.V4
	if ap, err := netip.ParseAddrPort(address); err == nil && ap.Addr().Unmap().Is6() || !from.IsValid() {
		from = s.V6
	}
	if !from.IsValid() {
		return nil
	}
	return &net.TCPAddr{IP: from.AsSlice()}
}
