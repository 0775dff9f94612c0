package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// httpHit measures hits by one goroutine whose responses go nowhere: of the cache around a handler, and of the cache in Echo beside the same Echo without it.
func httpHit(ctx context.Context, b *bench) ([]result, error) {
	var results []result
	for _, size := range httpSizes() {
		b.logf("a hit without a network, %s", kibibytes(size))
		lines, err := b.hits(ctx, size)
		if err != nil {
			return nil, err
		}
		results = append(results, lines...)
	}
	return results, nil
}

func (b *bench) hits(ctx context.Context, size int) (lines []result, err error) {
	callers, err := newHTTPCallers(size)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, callers.close()) }()
	s := b.scale
	s.goroutines = 1
	scores, err := s.race(ctx, callers.contenders()...)
	if err != nil {
		return nil, err
	}
	if around, cached := callers.around.made.Load(), callers.cached.made.Load(); around != 1 || cached != 1 {
		return nil, fmt.Errorf("the handlers behind caches were called %d and %d times, want once each", around, cached)
	}
	alone, bare, cached := scores[0], scores[1], scores[2]
	what := "a hit without a network, " + kibibytes(size)
	return []result{
		{what: what, measured: taking(alone.calls), unit: microNano},
		{what: what + ": allocations a call", measured: alone.allocations, unit: decimal},
		{what: what + ", in Echo", base: taking(bare.calls), measured: taking(cached.calls), unit: microNano},
		{what: what + ", in Echo: allocations a call", base: bare.allocations, measured: cached.allocations, unit: decimal},
	}, nil
}

// taking is how many nanoseconds a call takes that is made so often a second.
func taking(calls series) series {
	took := series{name: calls.name}
	for _, v := range calls.values {
		took.add(float64(time.Second) / v)
	}
	return took
}

// httpCallers call handlers as a server does, by one goroutine.
type httpCallers struct {
	size                 int
	around, bare, cached *site        // the first has neither Echo nor a cache
	handler              http.Handler // the cache around it
	end                  func() error // of that cache
}

func newHTTPCallers(size int) (c *httpCallers, err error) {
	c = &httpCallers{size: size}
	if c.around, err = newSite(httpOrigin); err != nil {
		return nil, err
	}
	if c.bare, err = newSite(httpBare); err != nil {
		return nil, err
	}
	if c.cached, err = newSite(httpCached); err != nil {
		return nil, err
	}
	responses, end, err := newHTTPCache()
	if err != nil {
		return nil, errors.Join(err, c.cached.close())
	}
	c.handler, c.end = responses.Handler(c.around.handler), end
	return c, nil
}

func (c *httpCallers) contenders() []contender {
	return []contender{
		c.contender("httpcache", c.handler),
		c.contender("Echo", c.bare.handler),
		c.contender("Echo and httpcache", c.cached.handler),
	}
}

func (c *httpCallers) contender(name string, h http.Handler) contender {
	r, err := readRequest(c.size) // each its own, since a handler may change it
	w := &nowhere{header: make(http.Header)}
	return contender{name, func(context.Context, int, int) error {
		if err != nil {
			return err
		}
		w.reset()
		h.ServeHTTP(w, r)
		if w.status != http.StatusOK || w.written != c.size {
			return fmt.Errorf("status %d and %d bytes, want 200 and %d", w.status, w.written, c.size)
		}
		return nil
	}}
}

func (c *httpCallers) close() error { return errors.Join(c.cached.close(), c.end()) }

// readRequest is a request as a server reads it.
func readRequest(size int) (*http.Request, error) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + httpPath(size) + " HTTP/1.1\r\nHost: bench.example\r\n\r\n")))
	if err == nil {
		r.RemoteAddr = "127.0.0.1:50000"
	}
	return r, err
}

// nowhere is a response that costs nothing and can be used again: what a call allocates is the handler's.
type nowhere struct {
	header          http.Header
	status, written int
}

func (w *nowhere) reset() {
	clear(w.header) // a map that was filled before takes the same keys without an allocation
	w.status, w.written = 0, 0
}

func (w *nowhere) Header() http.Header { return w.header }

func (w *nowhere) WriteHeader(status int) { w.status = status }

func (w *nowhere) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.written += len(b)
	return len(b), nil
}

// SetWriteDeadline is what a server's response has, and the service's stack uses.
func (w *nowhere) SetWriteDeadline(time.Time) error { return nil }
