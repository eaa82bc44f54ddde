package tlswire_test

import (
	"fmt"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func Example() {
	hello := &tlswire.ClientHello{Version: tlswire.TLS12, Random: make([]byte, 32), Compression: []uint8{0}}
	hello.CipherSuites, _ = tlswire.ParseCipherSuites("TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256")
	hello.SetServerName("example.com")
	hello.SetSupportedVersions([]tlswire.Version{tlswire.TLS13, tlswire.TLS12})
	record, _ := hello.MarshalRecord()

	parsed, err := tlswire.ParseClientHelloRecord(record)
	fmt.Println(parsed.ServerName(), parsed.SupportedVersions(), err)
	for _, suite := range parsed.CipherSuites {
		fmt.Println(suite, suite.Info().Kex, suite.Info().Auth)
	}
	// Output:
	// example.com [TLS 1.3 TLS 1.2] <nil>
	// TLS_AES_128_GCM_SHA256 TLS 1.3 any
	// TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ECDHE RSA
}

func ExampleIdentifyPlaintext() {
	fmt.Println(tlswire.IdentifyPlaintext([]byte("220 mx1.example.com ESMTP Postfix\r\n")))
	// Output: smtp 220 mx1.example.com ESMTP Postfix
}

func ExampleParseGroups() {
	_, err := tlswire.ParseGroups("X25518")
	fmt.Println(err)
	// Output: unknown group "X25518"; did you mean x25519?
}
