package keyfile

import (
	"crypto/ecdsa"
	"errors"
	"testing"
)

// oldKeys are one key as OpenSSL 3 with its legacy provider encrypts it by the
// schemes from before PBES2: openssl pkcs8 -topk8 -v1 NAME.
var oldKeys = map[string]string{
	"PBE-MD5-DES": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGwMBsGCSqGSIb3DQEFAzAOBAj2WWg27GLg6AICCAAEgZD4XQI5bz318Z9ICC8X
3lwcWMMHrvZwAvjTlVBS+TY85HUzjU725CS2guMgKJBoV3XIvcehTVRO/xeAktMd
znAwBhhxIkwd4mKGCD2M3TmzBcRMqzDImW2Uq//nAiVmMY4NbMRnC8SEnK91Inuj
VZCnd4w9yhgkRw0yTOKm5rt6At+GUOffZZfC2wNYjYO2ZcE=
-----END ENCRYPTED PRIVATE KEY-----`,
	"PBE-SHA1-DES": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGwMBsGCSqGSIb3DQEFCjAOBAhaGPX6OISMsAICCAAEgZCTOZyWAEVub0gGLLSb
qeGwV5/Wpq4vLsvHv4jWtxyBZy6w4AG/9DodXcpVFNUxgfy8OSIE+yOIFG9WKobZ
Ykvve5GL/6xiWJ0qbLUKzGXu5iR6PnMFeKBf9gyR5qGtBEbcDdt2EtHSYzQLZfXU
RBq1PDYjdV3wBBR2TpZSryB3CPc3mzFO2oZ7pA4b6kmOeeo=
-----END ENCRYPTED PRIVATE KEY-----`,
	"PBE-SHA1-RC4-128": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGrMBwGCiqGSIb3DQEMAQEwDgQIboE8xGCbI5QCAggABIGK2mbjxHkNFzg9rVkC
pvotY5RTi/SW/BY4LsT9tRKUGXshPjK4sBy2Sjjmah7CSyOHkX+BVVIDAQddpYNO
ZCUBS5vBy6UgY3STcbRYZtBpidpabKLXSh4mXxX1C6lBmROh4hR/rRIfE0+s4TNV
D6yFFwEwwXKKhXkuHPF0F3SsUpWXQnE5kYozbyFb
-----END ENCRYPTED PRIVATE KEY-----`,
	"PBE-SHA1-RC4-40": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGrMBwGCiqGSIb3DQEMAQIwDgQIGsto1Z5E44UCAggABIGK51tTMYe2izFddo/u
47ETTw77+vHWp3aJgrpTn3MLJRy6aQ9ieIbogfGPS7vhFUEh2vgQ8lgrxFSvNHTX
Tbfgn0U0cRaCEdNX76HnoWnJ1YYPG7I1+jBuAS/dWhGzakP8BZc0hb8tlkNkSIBQ
2QhxgzKY6lIBJapNPErjLb5y/K9aWBQPjDcPRWRD
-----END ENCRYPTED PRIVATE KEY-----`,
	"PBE-SHA1-3DES": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGxMBwGCiqGSIb3DQEMAQMwDgQIxkZbV9eJwYwCAggABIGQQq8UITE8ni94uegQ
2csT3R5b0jzk4hSbwFD4fQluFI19sIr/LBSig+9wHKhFk7tzKETdQwxMftr/27Gh
vX+dmSNf8IMBXDO4VA0n+ndzpgOma8X0FCjPXh5lQaxDJvpR4G/cQRnUvHL5AYaw
RtbUZW3MVv+x1N/eaigkGDeS88xC5ekbCkaCivQJGoSEe+u5
-----END ENCRYPTED PRIVATE KEY-----`,
	"PBE-SHA1-2DES": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGxMBwGCiqGSIb3DQEMAQQwDgQI36PTw3RDHRECAggABIGQBG1xA/DqhFYVfnIK
Hg85TfRaVa2olf+lWiZYj8MB12sxpaNi/u6Lez9VnGef8f9GZUpdvvl62ICb6Ga/
V1sR/LusN2mGBTTMxAjmjr4VF3GnD32y+p5JUJ9EXJZEwOIcavJBGDO51xMjF21i
ZkOEv/Zr9iE7IQyF+KCLbBAVLLgmnDWZiNJGcnh0AwdUCBtm
-----END ENCRYPTED PRIVATE KEY-----`,
}

func TestOldEncryption(t *testing.T) {
	t.Parallel()
	var first *ecdsa.PrivateKey
	for name, text := range oldKeys {
		c, err := Parse([]byte(text), Options{Password: NewPassword([]byte("secret"))})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		key, ok := c.Key.(*ecdsa.PrivateKey)
		if first == nil {
			first = key
		}
		if !ok || !key.Equal(first) {
			t.Errorf("%s: another key came out", name)
		}
		for _, word := range []string{"", "secre", "sécret"} {
			if _, err := Parse([]byte(text), Options{Password: NewPassword([]byte(word))}); !errors.Is(err, ErrWrongPassword) {
				t.Errorf("%s with the password %q: got %v", name, word, err)
			}
		}
		if _, err := Parse([]byte(text), Options{}); !errors.Is(err, ErrNoPassword) {
			t.Errorf("%s without a password: got %v", name, err)
		}
	}
}
