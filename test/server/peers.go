package server

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
)

// The kinds that Debian brings beside the web servers of AllKinds. Schemes are
// the protocols that one can speak, as in a URL.
var (
	Lighttpd  = &Kind{Name: "lighttpd", Needs: []string{"lighttpd"}, start: startLighttpd}
	Caddy     = &Kind{Name: "caddy", Needs: []string{"caddy"}, start: startCaddy}
	Hitch     = &Kind{Name: "hitch", Needs: []string{"hitch"}, start: startHitch}
	Node      = &Kind{Name: "node", Needs: []string{"node"}, start: startNode}
	Python    = &Kind{Name: "python", Needs: []string{"python3"}, start: startPython}
	Postfix   = &Kind{Name: "postfix", Needs: []string{"postfix"}, start: startPostfix}
	Dovecot   = &Kind{Name: "dovecot", Needs: []string{"dovecot"}, start: startDovecot}
	Slapd     = &Kind{Name: "slapd", Needs: []string{"slapd"}, start: startSlapd}
	Postgres  = &Kind{Name: "postgresql", Needs: []string{"runuser"}, start: startPostgres}
	MariaDB   = &Kind{Name: "mariadb", Needs: []string{"mariadbd"}, start: startMariaDB}
	Vsftpd    = &Kind{Name: "vsftpd", Needs: []string{"vsftpd"}, start: startVsftpd}
	Prosody   = &Kind{Name: "prosody", Needs: []string{"prosody"}, start: startProsody}
	InspIRCd  = &Kind{Name: "inspircd", Needs: []string{"inspircd"}, start: startInspIRCd}
	Mosquitto = &Kind{Name: "mosquitto", Needs: []string{"mosquitto"}, start: startMosquitto}
	Redis     = &Kind{Name: "redis", Needs: []string{"redis-server"}, start: startRedis}
	Unbound   = &Kind{Name: "unbound", Needs: []string{"unbound"}, start: startUnbound}
	Xrdp      = &Kind{Name: "xrdp", Needs: []string{"xrdp"}, start: startXrdp}
	SSH       = &Kind{Name: "sshd", Needs: []string{"sshd", "ssh-keygen"}, start: startSSH}

	Peers = []*Kind{Lighttpd, Caddy, Hitch, Node, Python, Postfix, Dovecot, Slapd, Postgres, MariaDB, Vsftpd, Prosody, InspIRCd,
		Mosquitto, Redis, Unbound, Xrdp, SSH}
)

// Missing skips the test because a program is not installed; in CI it fails.
func Missing(t testing.TB, program string) {
	t.Helper()
	if os.Getenv("CI") == "true" || os.Getenv("TLSWHY_REQUIRE_ALL") == "1" {
		t.Fatalf("%s is not installed: scripts/deps.sh installs it", program)
	}
	t.Skipf("SKIPPED: %s is not installed; run scripts/deps.sh as root", program)
}

// needRoot skips what only root can start.
func needRoot(t testing.TB, program string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("SKIPPED: only root can start %s", program)
	}
}

// subfolder is a folder for one of several instances.
func subfolder(t testing.TB, dir string, i int) string {
	t.Helper()
	own := filepath.Join(dir, fmt.Sprint(i))
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	return own
}

// command runs a program to its end.
func command(t testing.TB, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
}

// privateCopy copies a key so that only its owner may read it, which some
// servers insist on.
func privateCopy(t testing.TB, dir, file, owner string) string {
	t.Helper()
	if _, err := user.Lookup(owner); err != nil {
		t.Skipf("SKIPPED: there is no user %s", owner)
	}
	to := filepath.Join(dir, "private.key")
	command(t, "install", "-m", "600", "-o", owner, file, to)
	return to
}
