package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/larder-go/larder/internal/web"
)

// httpCommand is the argument that makes this program an HTTP server of another run of it.
const httpCommand = "http"

// What such a server is.
const (
	httpOrigin = "origin" // net/http alone
	httpBare   = "bare"   // Echo with this service's stack
	httpCached = "cached" // the same, with the cache
)

// httpServing is what it is to be, the first line of its standard input.
type httpServing struct{ Kind string }

// httpState is its answer to each further line.
type httpState struct {
	Address string
	Made    int64 // responses that its handler has made
}

// serveHTTP is the server's side.
func serveHTTP(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	lines := bufio.NewReader(in)
	first, err := lines.ReadString('\n')
	if err != nil {
		return err
	}
	var s httpServing
	if err := json.NewDecoder(strings.NewReader(first)).Decode(&s); err != nil {
		return err
	}
	site, err := newSite(s.Kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := web.NewServer(site.handler, web.ServerOptions{RequestTimeout: httpTimeout})
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	defer func() {
		err = errors.Join(err, server.Close())
		if serving := <-failed; !errors.Is(serving, http.ErrServerClosed) {
			err = errors.Join(err, serving)
		}
	}()
	answers := json.NewEncoder(out)
	for {
		if _, err := lines.ReadByte(); err != nil {
			return nil // the end
		}
		if err := answers.Encode(httpState{l.Addr().String(), site.made.Load()}); err != nil {
			return err
		}
	}
}

// httpTimeout is the service's default.
const httpTimeout = 30 * time.Second
