package chain

import "strings"

// toASCII turns the U-labels of a name into A-labels (RFC 3492, RFC 5891). Only
// letter case is mapped; names that need more of IDNA stay as they are typed.
func toASCII(name string) string {
	if isASCII(name) {
		return strings.ToLower(name)
	}
	name = strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(strings.ToLower(name))
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if isASCII(label) || len(label) > 256 {
			continue
		}
		if encoded, ok := punyEncode(label); ok {
			labels[i] = "xn--" + encoded
		}
	}
	return strings.Join(labels, ".")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// The parameters of RFC 3492, Section 5.
const (
	punyBase, punyTMin, punyTMax = 36, 1, 26
	punySkew, punyDamp           = 38, 700
	punyBias, punyStart          = 72, 128
)

func punyEncode(label string) (string, bool) {
	var out strings.Builder
	runes := []rune(label)
	for _, r := range runes {
		if r < 0x80 {
			out.WriteRune(r)
		}
	}
	basic := out.Len()
	handled := basic
	if basic > 0 {
		out.WriteByte('-')
	}
	n, delta, bias := rune(punyStart), 0, punyBias
	for handled < len(runes) {
		next := rune(0x10ffff)
		for _, r := range runes {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (handled + 1)
		if delta < 0 || delta > 1<<30 {
			return "", false
		}
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			writeVariable(&out, delta, bias)
			bias = punyAdapt(delta, handled+1, handled == basic)
			delta = 0
			handled++
		}
		delta++
		n++
	}
	return out.String(), true
}

func writeVariable(out *strings.Builder, q, bias int) {
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	for k := punyBase; ; k += punyBase {
		t := min(max(k-bias, punyTMin), punyTMax)
		if q < t {
			out.WriteByte(digits[q])
			return
		}
		out.WriteByte(digits[t+(q-t)%(punyBase-t)])
		q = (q - t) / (punyBase - t)
	}
}

func punyAdapt(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (punyBase-punyTMin)*punyTMax/2; k += punyBase {
		delta /= punyBase - punyTMin
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}

// ToASCII turns the U-labels of a name into A-labels, as MatchName does before
// it compares.
func ToASCII(name string) string { return toASCII(name) }
