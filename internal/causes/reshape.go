package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// telling lists rounds that a hello's own properties, or the answer to it, make
// more telling than any other.
func (v *view) telling(cur *facts.Attempt) [][]facts.Changes {
	from, sent := cur.Of.Changes, offered(cur)
	alert := tlswire.AlertCloseNotify
	if cur.End.Kind == facts.EndAlert {
		alert = cur.End.Alert.Description
	}
	var out [][]facts.Changes
	if alert == tlswire.AlertInappropriateFallback && sent.FallbackSCSV() {
		out = append(out, []facts.Changes{from.With(facts.PropSuites, "-"+tlswire.TLS_FALLBACK_SCSV.String())})
	}
	if share, ok := retried(cur).KeyShare(); ok && !sharesOnly(from, share.Group) {
		out = append(out, []facts.Changes{from.With(facts.PropShares, share.Group.String())})
	}
	if alert == tlswire.AlertMissingExtension {
		if more := v.moreExtensions(cur); more != from {
			out = append(out, []facts.Changes{more})
		}
	}
	if plain := v.plainShapes(cur); len(plain) > 0 {
		out = append(out, plain)
	}
	return out
}

// retried is the HelloRetryRequest after which nothing more of the handshake
// came, never nil.
func retried(a *facts.Attempt) *tlswire.ServerHello {
	if a == nil || a.Retry == nil || a.ServerHello != nil {
		return &tlswire.ServerHello{}
	}
	return a.Retry
}

func sharesOnly(c facts.Changes, g tlswire.Group) bool { return c.Shares == g.String() }

// plainShapes takes back, one by one, what the user's options did to the form
// of the hello and not to its words.
func (v *view) plainShapes(cur *facts.Attempt) []facts.Changes {
	from, sent, w := cur.Of.Changes, offered(cur), &v.c.Want
	if from.Shape != "" || cur.ServerHello != nil {
		return nil
	}
	var out []facts.Changes
	if w.RecordSplit > 0 && from.Records == "" {
		out = append(out, from.With(facts.PropRecords, "whole"))
	}
	if w.SegmentSplit > 0 && from.Segments == "" {
		out = append(out, from.With(facts.PropSegments, "whole"))
	}
	if n := helloSize(cur); from.Size == "" && sent.HasExtension(tlswire.ExtPadding) && n > 512 { // at 512 old clients stay clear of a bug
		out = append(out, from.With(facts.PropSize, "none"))
	}
	switch sent.RecordVersion {
	case 0, tlswire.TLS10, tlswire.TLS12:
	default:
		if !sent.SSL2 && sent.MaxVersion() > tlswire.SSL3 {
			out = append(out, from.With(facts.PropShape, "record-1.0"))
		}
	}
	return out
}

// standard are the extensions on which servers are known to insist.
var standard = []tlswire.ExtensionType{tlswire.ExtExtendedMasterSecret, tlswire.ExtSupportedGroups, tlswire.ExtSignatureAlgorithms,
	tlswire.ExtRenegotiationInfo, tlswire.ExtECPointFormats, tlswire.ExtStatusRequest, tlswire.ExtEncryptThenMAC}

// moreExtensions adds the standard extensions that the hello lacks; unchanged
// where it lacks none or is too old for extensions.
func (v *view) moreExtensions(cur *facts.Attempt) facts.Changes {
	from, sent := cur.Of.Changes, offered(cur)
	if from.Extensions != "" || sent.SSL2 || sent.MaxVersion() < tlswire.TLS10 {
		return from
	}
	var names []string
	for _, t := range standard {
		switch {
		case sent.HasExtension(t), t == tlswire.ExtRenegotiationInfo && sent.RenegotiationInfo(),
			t == tlswire.ExtSignatureAlgorithms && sent.MaxVersion() < tlswire.TLS12:
		default:
			names = append(names, t.String())
		}
	}
	if !slices.Contains(names, tlswire.ExtExtendedMasterSecret.String()) && len(names) < 3 {
		return from // status_request alone is no reason to refuse anybody
	}
	return from.With(facts.PropExtensions, "+"+strings.Join(names, ","))
}

// needed are the extensions without which a hello offers something else.
var needed = []tlswire.ExtensionType{tlswire.ExtServerName, tlswire.ExtSupportedGroups, tlswire.ExtSignatureAlgorithms, tlswire.ExtSupportedVersions,
	tlswire.ExtKeyShare, tlswire.ExtALPN, tlswire.ExtPadding, tlswire.ExtCookie}

// fewerExtensions takes out all extensions that a hello can do without.
func fewerExtensions(a *facts.Attempt) string {
	var names []string
	for _, e := range offered(a).Extensions {
		if !slices.Contains(needed, e.Type) && !e.Type.IsGREASE() {
			names = append(names, e.Type.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "-" + strings.Join(names, ",")
}

// refine takes a compact hello apart: size, post-quantum groups, TLS 1.3,
// reserved values, extensions and ALPN all leave it at once.
func (v *view) refine(f *flip, cur, best *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	if best.Of.Changes.Shape != "compact" {
		return best, nil
	}
	sent := offered(cur)
	for _, alpn := range []string{best.Of.Changes.ALPN, "none"} {
		b := best.Of.Changes.With(facts.PropALPN, alpn)
		full := b.With(facts.PropShape, "")
		classic, capped := b.With(facts.PropShape, "classic"), full
		if b.Version == "" {
			capped.Version = "1.2"
		}
		bare, calm := full.With(facts.PropExtensions, fewerExtensions(cur)), b.With(facts.PropShape, "no-grease")
		padded := classic.With(facts.PropSize, fmt.Sprint(helloSize(cur)))
		split := classic.With(facts.PropSegments, "200")
		large := slices.ContainsFunc(sent.Groups(), client.PostQuantum)
		// Size first: what helps there helps by itself. The rest only where it does
		// not, or where a round costs a deadline.
		var sizes, rest []facts.Changes
		if large {
			sizes = []facts.Changes{padded, split}
			if ask := v.untried(classic); len(ask) > 0 && cur.End.Kind != facts.EndTimeout {
				return nil, ask
			}
		}
		if sent.Offers(tlswire.TLS13) {
			rest = append(rest, capped)
		}
		if bare != full {
			rest = append(rest, bare)
		}
		if sent.HasGREASE() {
			rest = append(rest, calm)
		}
		small := v.works(cur, classic)
		round := rest
		switch {
		case cur.End.Kind == facts.EndTimeout && large:
			round = slices.Concat([]facts.Changes{classic}, sizes, rest)
		case small != nil && large:
			round = sizes
		}
		if ask := v.untried(round...); len(ask) > 0 {
			return nil, append(ask, v.mirrored(cur, round)...)
		}
		low := v.works(cur, capped)
		f.classic, f.padded, f.capped = large && small != nil, v.works(cur, padded) != nil, low != nil
		if as := v.at(split); len(as) > 0 {
			f.split = as[0]
		}
		quiet, few := v.works(cur, calm), v.works(cur, bare)
		switch {
		case f.classic:
			return small, nil
		case quiet != nil && sent.HasGREASE():
			return quiet, nil
		case few != nil && bare != full:
			return few, nil
		case low != nil:
			return low, nil
		case len(sent.ALPN()) == 0:
			return best, nil
		}
	}
	return best, nil
}

// pinpoint finds the one extension among several that has to be added, or left
// out: the likely one alone, then by halves. Where it is not one alone, the
// whole list stays.
func (v *view) pinpoint(_ *flip, cur, best *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	ch := best.Of.Changes
	if len(ch.Extensions) < 2 {
		return best, nil
	}
	sign, names := ch.Extensions[:1], strings.Split(ch.Extensions[1:], ",")
	likely := map[string]tlswire.ExtensionType{"+": tlswire.ExtExtendedMasterSecret, "-": tlswire.ExtEncryptedClientHello}[sign].String()
	for len(names) > 1 {
		half := names[:len(names)/2]
		if slices.Contains(names, likely) {
			half = []string{likely}
		}
		less := ch.With(facts.PropExtensions, sign+strings.Join(half, ","))
		if ask := v.untried(less); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, less); a != nil {
			best, names = a, half
			continue
		}
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(half, n) })
	}
	alone := ch.With(facts.PropExtensions, sign+names[0])
	if ask := v.untried(alone); len(ask) > 0 {
		return nil, ask
	}
	if a := v.works(cur, alone); a != nil {
		best = a
	}
	return best, nil
}
