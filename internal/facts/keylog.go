package facts

import (
	"bufio"
	"encoding/hex"
	"io"
	"strings"
)

// The labels of a key log
// (https://datatracker.ietf.org/doc/html/draft-ietf-tls-keylogfile).
const (
	labelMaster        = "CLIENT_RANDOM" // TLS 1.2 and below: the master secret
	labelClientShake   = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	labelServerShake   = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	labelClientTraffic = "CLIENT_TRAFFIC_SECRET_0"
	labelServerTraffic = "SERVER_TRAFFIC_SECRET_0"
)

var keyLabels = map[string]bool{labelMaster: true, labelClientShake: true, labelServerShake: true,
	labelClientTraffic: true, labelServerTraffic: true}

// KeyLog holds secrets by client random and label. Nothing prints them.
type KeyLog struct {
	secrets map[string][]byte
}

// Bounds of a key log.
const (
	maxKeyLogLine = 1024
	maxSecrets    = 500_000
)

// Add reads a key log in the format of SSLKEYLOGFILE and adds its secrets. It
// returns how many there were; lines of another form are passed over.
func (k *KeyLog) Add(r io.Reader) (int, error) {
	if k.secrets == nil {
		k.secrets = map[string][]byte{}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxKeyLogLine), 1<<20)
	n := 0
	for lines.Scan() && len(k.secrets) < maxSecrets {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || !keyLabels[words[0]] || len(words[1]) != 64 || len(words[2]) > 2*64 {
			continue
		}
		random, err := hex.DecodeString(words[1])
		if err != nil {
			continue
		}
		secret, err := hex.DecodeString(words[2])
		if err != nil || len(secret) < 16 {
			continue
		}
		k.secrets[words[0]+string(random)] = secret
		n++
	}
	return n, lines.Err()
}

// secret returns one secret, nil when there is none. A nil log has none.
func (k *KeyLog) secret(label string, random []byte) []byte {
	if k == nil {
		return nil
	}
	return k.secrets[label+string(random)]
}
