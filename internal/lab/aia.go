package lab

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// aiaServer serves one issuer certificate over HTTP, as the URL in the AIA
// extension promises (RFC 5280, Section 4.2.2.1).
type aiaServer struct {
	url string
	der atomic.Pointer[[]byte]
}

func (a *aiaServer) set(der []byte) { a.der.Store(&der) }

// ServeHTTP serves the certificate at every path.
func (a *aiaServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	der := a.der.Load()
	if der == nil {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/pkix-cert")
	_, _ = w.Write(*der) // a client that is gone needs no certificate
}

// serveAIA starts the server where the scenario needs it.
func (r *Running) serveAIA(ctx context.Context) (*aiaServer, error) {
	a := &aiaServer{}
	if !r.Scenario.Server.AIA {
		return a, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a.url = "http://" + listener.Addr().String() + "/issuer.cer"
	server := &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	r.atEnd(server.Close)
	r.tasks.Go(func() { _ = server.Serve(listener) }) // always ends with ErrServerClosed
	return a, nil
}
