package server

import (
	_ "embed" // Server.java
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

//go:embed testdata/Server.java
var javaSource string

// startJava starts one JVM that listens on the ports of all endpoints. Ciphers
// are Java's names, comma-separated.
func startJava(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	var b strings.Builder
	for i, e := range eps {
		fmt.Fprintf(&b, "%d.port=%d\n%d.status=%d\n%d.body=%s\n", i, e.Port, i, e.status(), i, e.body())
		if !e.Plain {
			fmt.Fprintf(&b, "%d.keystore=%s\n", i, keystore(t, dir, e))
			var vs []string
			for _, v := range e.versions() {
				vs = append(vs, "TLSv"+strings.TrimSuffix(v, ".0"))
			}
			fmt.Fprintf(&b, "%d.protocols=%s\n", i, strings.Join(vs, ","))
		}
		for name, value := range map[string]string{"ciphers": e.Ciphers, "trust": e.ClientCA, "auth": e.ClientAuth, "alpn": e.ALPN} {
			if value != "" {
				fmt.Fprintf(&b, "%d.%s=%s\n", i, name, value)
			}
		}
		if e.Strict {
			fmt.Fprintf(&b, "%d.sni=%s\n", i, strings.ReplaceAll(e.Hosts[0], ".", "[.]"))
		}
	}
	conf := write(t, dir, "endpoints.properties", b.String())
	src := write(t, dir, "Server.java", javaSource)
	if out, err := exec.Command(Need(t, "javac"), "-nowarn", "-d", dir, src).CombinedOutput(); err != nil {
		t.Fatalf("compiling the Java server: %v\n%s", err, out)
	}
	process(t, dir, eps, "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", dir, "Server", conf)
}

// keystore writes chain and key as PKCS #12, the way Java reads them.
func keystore(t testing.TB, dir string, e *Endpoint) string {
	t.Helper()
	out := fmt.Sprintf("%s/%d.p12", dir, e.Port)
	cmd := exec.Command(Need(t, "openssl"), "pkcs12", "-export", "-in", e.Chain, "-inkey", e.Key, "-name", "server",
		"-passout", "pass:changeit", "-out", out)
	cmd.Env = append(os.Environ(), "OPENSSL_CONF=/dev/null")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("writing the keystore of %s: %v\n%s", e.Name, err, msg)
	}
	return out
}
