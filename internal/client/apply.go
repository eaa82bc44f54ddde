package client

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Apply changes a hello for an experiment; base stays as it is. The words of
// facts.Changes:
//
//	SNI      "none", or the name
//	Version  "1.2" exactly, or "1.0-1.3"; brings only what the version cannot
//	         do without
//	Suites   "all" (every known suite, RC4 and 3DES included), "any" (also
//	         export, NULL and anonymous ones), "+A,B" added at the end, "=A,B"
//	         in place of all, "-A,B" taken out
//	Groups   the same; the key shares stay where they can, with "=" they follow
//	Schemes  the same
//	ALPN     "none", or the protocols
//	Shape    words, comma-separated: see shapes
//	Extensions  "+A,B" added, "-A,B" taken out
//	Shares   the groups to send key shares of
//	Size     the length of the message by padding, or "none" for no padding
//
// Values compose: the shape is made first, then version, suites, groups,
// schemes, ALPN and SNI, extensions and shares, last the padding. Identity,
// Records, Segments and MSS are the sender's.
func Apply(base *tlswire.ClientHello, ch facts.Changes) (*tlswire.ClientHello, error) {
	if base == nil {
		return nil, fmt.Errorf("changing a hello: %w", errNoHello)
	}
	h := base.Clone()
	ch, words := expand(ch)
	for _, word := range words {
		reshape, ok := shapes[word]
		if !ok {
			return nil, fmt.Errorf("changing a hello: unknown shape %q", word)
		}
		if reshape != nil {
			h = reshape(h)
		}
	}
	if ch.Version != "" {
		lo, hi, err := ParseVersionRange(ch.Version)
		if err != nil {
			return nil, fmt.Errorf("changing a hello: %w", err)
		}
		setVersions(h, lo, hi)
	}
	for _, change := range []func(*tlswire.ClientHello, facts.Changes) error{applySuites, applyGroups, applySchemes} {
		if err := change(h, ch); err != nil {
			return nil, fmt.Errorf("changing a hello: %w", err)
		}
	}
	switch ch.ALPN {
	case "":
	case "none":
		setALPN(h, nil)
	default:
		setALPN(h, fields(ch.ALPN))
	}
	switch ch.SNI {
	case "":
	case "none":
		setServerName(h, "")
	default:
		setServerName(h, ch.SNI)
	}
	for _, last := range []struct {
		apply  func(*tlswire.ClientHello, string) error
		change string
	}{{applyExtensions, ch.Extensions}, {applyShares, ch.Shares}, {applySize, ch.Size}} {
		if err := last.apply(h, last.change); err != nil {
			return nil, fmt.Errorf("changing a hello: %w", err)
		}
	}
	return h, nil
}

// expand replaces shapes that are shorthand for other properties. What the
// change says itself wins.
func expand(ch facts.Changes) (facts.Changes, []string) {
	words := fields(ch.Shape)
	if i := slices.Index(words, "wide"); i >= 0 {
		words = slices.Delete(words, i, i+1)
		for p, value := range wide {
			if ch.Get(p) == "" {
				ch = ch.With(p, value)
			}
		}
	}
	ch.Shape = strings.Join(words, ",")
	return ch, words
}

// wide is the widest hello that servers of all ages still read.
var wide = map[facts.Property]string{
	facts.PropVersion: "ssl3-1.3", facts.PropSuites: "all", facts.PropGroups: "all", facts.PropSchemes: "all",
}

func applySuites(h *tlswire.ClientHello, ch facts.Changes) error {
	return applyList(ch.Suites, h.CipherSuites, listOf[tlswire.CipherSuite]{
		parse: tlswire.ParseCipherSuites,
		all:   func(anything bool) []tlswire.CipherSuite { return allSuites(anything) },
		keep:  signal,
		set:   func(list []tlswire.CipherSuite, _ bool) { setSuites(h, list) },
	})
}

func applyGroups(h *tlswire.ClientHello, ch facts.Changes) error {
	return applyList(ch.Groups, h.Groups(), listOf[tlswire.Group]{
		parse: tlswire.ParseGroups,
		all:   func(bool) []tlswire.Group { return allGroups(h) },
		keep:  tlswire.Group.IsGREASE,
		set:   func(list []tlswire.Group, replaced bool) { setGroups(h, list, replaced) },
	})
}

func applySchemes(h *tlswire.ClientHello, ch facts.Changes) error {
	return applyList(ch.Schemes, h.SignatureSchemes(), listOf[tlswire.SignatureScheme]{
		parse: tlswire.ParseSignatureSchemes,
		all:   func(bool) []tlswire.SignatureScheme { return allSchemes() },
		keep:  tlswire.SignatureScheme.IsGREASE,
		set:   func(list []tlswire.SignatureScheme, _ bool) { setSchemes(h, list) },
	})
}

// listOf is what applyList must know of one kind of value.
type listOf[T comparable] struct {
	parse func(string) ([]T, error)
	all   func(anything bool) []T
	keep  func(T) bool // signals, which "=" leaves
	set   func(list []T, replaced bool)
}

func applyList[T comparable](change string, have []T, kind listOf[T]) error {
	switch {
	case change == "":
		return nil
	case change == "all", change == "any":
		kind.set(withSignalsLast(union(have, kind.all(change == "any")), kind.keep), false)
		return nil
	}
	list, err := kind.parse(strings.TrimLeft(change, "+=-"))
	if err != nil {
		return err
	}
	switch change[0] {
	case '+':
		kind.set(union(have, list), false)
	case '-':
		kind.set(slices.DeleteFunc(slices.Clone(have), func(v T) bool { return slices.Contains(list, v) }), false)
	case '=':
		kept := slices.DeleteFunc(slices.Clone(have), func(v T) bool { return !kind.keep(v) })
		first := 0
		if len(kept) > 0 && len(have) > 0 && kept[0] == have[0] {
			first = 1 // GREASE stands in front, the signals at the end
		}
		kind.set(union(nil, slices.Concat(kept[:first], list, kept[first:])), true)
	default:
		return fmt.Errorf("%q is neither \"all\" nor begins with +, - or =", change)
	}
	return nil
}

// withSignalsLast moves signals that are not in front to the end.
func withSignalsLast[T comparable](list []T, isSignal func(T) bool) []T {
	var out, last []T
	for i, v := range list {
		if i > 0 && isSignal(v) {
			last = append(last, v)
			continue
		}
		out = append(out, v)
	}
	return append(out, last...)
}

// allGroups are all known groups: without those of TLS 1.3 alone where the
// hello does not offer it.
func allGroups(h *tlswire.ClientHello) []tlswire.Group {
	preferred := []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521, tlswire.GroupX448,
		tlswire.GroupX25519MLKEM768, tlswire.GroupSecP256r1MLKEM768, tlswire.GroupSecP384r1MLKEM1024}
	all := union(preferred, tlswire.AllGroups())
	if h.Offers(tlswire.TLS13) {
		return all
	}
	return slices.DeleteFunc(all, only13Group)
}

// allSchemes are all known schemes, those of today first.
func allSchemes() []tlswire.SignatureScheme {
	var modern, old []tlswire.SignatureScheme
	for _, s := range tlswire.AllSchemes() {
		switch {
		case s.Key() == "anonymous":
		case s.InTLS13():
			modern = append(modern, s)
		default:
			old = append(old, s)
		}
	}
	return append(modern, old...)
}

func fields(list string) []string {
	var out []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
