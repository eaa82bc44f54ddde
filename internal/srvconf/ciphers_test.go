package srvconf

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// cipherLists are strings of the kinds that people write.
var cipherLists = []string{
	"DEFAULT", "HIGH", "ALL", "HIGH:!aNULL:!MD5", "ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH", "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH", "ALL:!aNULL:!eNULL", "HIGH:!aNULL:!kRSA:!PSK:!SRP:!MD5:!RC4",
	"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE+AESGCM:DHE+AESGCM", "EECDH+AESGCM:EDH+AESGCM:AES256+EECDH:AES256+EDH",
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256",
	"DEFAULT:!kRSA", "DEFAULT:-AES128:AES128", "HIGH:+kRSA", "HIGH:-ECDHE:@STRENGTH", "AES256:AES128:@STRENGTH", "kEECDH+ECDSA:kEECDH:kEDH:HIGH:+SHA:!aNULL:!CAMELLIA",
	"DEFAULT:+RSA:+DHE", "RSA", "kRSA+AES", "AES128-SHA", "AES128-SHA:AES256-SHA", "PSK", "!aNULL:ALL", "aRSA:!DH", "TLSv1.2", "TLSv1.2:!ECDHE", "SSLv3", "SHA1", "SHA256+ECDHE",
	"COMPLEMENTOFDEFAULT", "ALL:COMPLEMENTOFALL", "eNULL", "aNULL:AECDH", "ADH", "FIPS", "FIPS:!RSA", "CHACHA20:AESGCM", "ARIA:CAMELLIA", "AESCCM", "AESCCM8", "HIGH:!AESCCM8:!ARIA:!CAMELLIA:!DSS",
	"DHE-RSA-AES256-SHA ECDHE-RSA-AES256-SHA", "DHE-RSA-AES256-SHA,ECDHE-RSA-AES256-SHA;AES256-SHA", "ALL:!EXPORT:!LOW:!SSLv2:RC4+RSA:+HIGH:+MEDIUM", "HIGH:MEDIUM:!3DES", "NOSUCH:HIGH", "CBC", "DEFAULT:-CBC",
	"SUITEB128", "SUITEB192", "HIGH:!SHA1:!SHA256:!SHA384", "DEFAULT:!TLSv1.2", "EECDH:EDH:!aNULL:!DSS", "kDHE", "kPSK:kRSA", "aPSK:!kPSK", "ALL:-HIGH:ECDHE", "HIGH:!HIGH:ALL",
	"ECDHE:!COMPLEMENTOFDEFAULT", "ALL:+aECDSA:+kRSA:-SHA384:SHA384", "SRP", "aECDSA", "ECDSA+CHACHA20:@STRENGTH",
}

// TestExpandAsOpenSSL compares with the program itself, at two levels.
func TestExpandAsOpenSSL(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	if v, _ := exec.Command(openssl, "version").Output(); !strings.HasPrefix(string(v), "OpenSSL 3.0") {
		t.Skipf("the table is that of OpenSSL 3.0, this is %s", v)
	}
	for _, list := range cipherLists {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(openssl, "ciphers", "-V", list).Output()
			if err != nil && len(ExpandCiphers(list).Suites) > 0 {
				t.Fatalf("openssl refuses %q; got %v", list, ExpandCiphers(list).Suites)
			}
			var want []string
			for line := range strings.Lines(string(out)) {
				f := strings.Fields(line)
				if len(f) > 3 && f[3] != "TLSv1.3" {
					want = append(want, f[2])
				}
			}
			var got []string
			for _, s := range ExpandCiphers(list).Suites {
				got = append(got, s.OpenSSLName())
			}
			if strings.Join(got, ":") != strings.Join(want, ":") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, ":"), strings.Join(want, ":"))
			}
		})
	}
}

func TestSecurityLevels(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	if v, _ := exec.Command(openssl, "version").Output(); !strings.HasPrefix(string(v), "OpenSSL 3.0") {
		t.Skipf("the table is that of OpenSSL 3.0, this is %s", v)
	}
	for _, level := range []string{"0", "1", "2", "3", "4"} {
		list := "ALL:COMPLEMENTOFALL:@SECLEVEL=" + level
		out, err := exec.Command(openssl, "ciphers", "-s", "-psk", "-srp", "-V", list).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] != "TLSv1.3" {
				want[f[2]] = true
			}
		}
		x := ExpandCiphers(list)
		got := map[string]bool{}
		for _, s := range Permitted(x.Suites, x.Level) {
			// -s lists only what the versions of that level allow
			if level == "0" || s.Info().MinVersion >= tlswire.TLS12 || want[s.OpenSSLName()] {
				got[s.OpenSSLName()] = true
			}
		}
		for name := range want {
			if !got[name] {
				t.Errorf("level %s: %s is missing", level, name)
			}
		}
		for name := range got {
			if !want[name] {
				t.Errorf("level %s: %s is too much", level, name)
			}
		}
	}
}
