//go:build linux

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const name = "farm.test"

// farm is an nginx of its own: light has an ECDSA certificate, TLS 1.2 and 1.3
// with X25519; wide has an RSA certificate, parameters for DHE and all suites of
// four versions.
type farm struct {
	dir, ca           string
	light, wide, away string // away is wide behind a relay
	relayed           atomic.Int64
	cmd               *exec.Cmd
	relay             net.Listener
}

func start(dir string) (*farm, error) {
	f := &farm{dir: dir, ca: filepath.Join(dir, "ca.pem")}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, err := issue("Bench CA", nil, caKey, caKey)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	if err := write(f.ca, "CERTIFICATE", ca.Raw); err != nil {
		return nil, err
	}
	for kind, key := range map[string]crypto.Signer{"ec": ecKey, "rsa": rsaKey} {
		leaf, err := issue(name, ca, caKey, key)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		if err := write(filepath.Join(dir, kind+".pem"), "CERTIFICATE", leaf.Raw); err != nil {
			return nil, err
		}
		if err := write(filepath.Join(dir, kind+".key"), "PRIVATE KEY", der); err != nil {
			return nil, err
		}
	}
	parameters := exec.Command("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", filepath.Join(dir, "dh.pem"))
	if out, err := parameters.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making parameters for DHE: %w: %s", err, out)
	}
	for _, at := range []*string{&f.light, &f.wide} {
		if *at, err = unused(); err != nil {
			return nil, err
		}
	}
	conf := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/errors crit;
events { worker_connections 2000; }
http { access_log off; client_body_temp_path %[1]s/t; proxy_temp_path %[1]s/t; fastcgi_temp_path %[1]s/t; uwsgi_temp_path %[1]s/t; scgi_temp_path %[1]s/t;
server { listen %[2]s ssl; ssl_certificate %[1]s/ec.pem; ssl_certificate_key %[1]s/ec.key; ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X25519; ssl_session_tickets off; return 200 ok; }
server { listen %[3]s ssl; ssl_certificate %[1]s/rsa.pem; ssl_certificate_key %[1]s/rsa.key; ssl_dhparam %[1]s/dh.pem;
 ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:!aNULL:!eNULL:@SECLEVEL=0; ssl_prefer_server_ciphers on; return 200 ok; } }`, dir, f.light, f.wide)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600); err != nil {
		return nil, err
	}
	f.cmd = exec.Command("nginx", "-c", filepath.Join(dir, "nginx.conf"))
	f.cmd.Stderr = os.Stderr
	if err := f.cmd.Start(); err != nil {
		return nil, err
	}
	if err := await(f.wide); err != nil {
		f.stop()
		return nil, err
	}
	return f, f.startRelay(25 * time.Millisecond)
}

func (f *farm) stop() {
	if f.relay != nil {
		f.relay.Close()
	}
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	_ = f.cmd.Wait()
}

// unused is an address at which nothing listens.
func unused() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// await waits until something listens.
func await(address string) error {
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(until) {
			return fmt.Errorf("nothing listens at %s: %w", address, err)
		}
	}
}

// startRelay puts wide further away: each byte takes so long in each direction,
// the connect a whole round trip.
func (f *farm) startRelay(each time.Duration) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.relay, f.away = l, l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.relayed.Add(1)
			go func() {
				defer c.Close()
				time.Sleep(2 * each)
				s, err := net.Dial("tcp", f.wide)
				if err != nil {
					return
				}
				defer s.Close()
				var wg sync.WaitGroup
				wg.Go(func() { late(s, c, each) })
				wg.Go(func() { late(c, s, each) })
				wg.Wait()
			}()
		}
	}()
	return nil
}

// late copies what comes, each piece after the delay.
func late(to, from net.Conn, each time.Duration) {
	type piece struct {
		data []byte
		at   time.Time
	}
	pieces := make(chan piece, 1000)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if n > 0 {
				pieces <- piece{b[:n], time.Now().Add(each)}
			}
			if err != nil {
				pieces <- piece{nil, time.Now().Add(each)}
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.at))
		if p.data == nil {
			if half, ok := to.(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
			continue
		}
		if _, err := to.Write(p.data); err != nil {
			from.Close()
		}
	}
}

func issue(cn string, parent *x509.Certificate, by crypto.Signer, key crypto.Signer) (*x509.Certificate, error) {
	t := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: cn}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(80 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, DNSNames: []string{name, "*." + name}}
	if parent == nil {
		t.IsCA, t.KeyUsage, t.ExtKeyUsage, t.DNSNames, parent = true, x509.KeyUsageCertSign, nil, nil, t
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func write(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
