package main

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/internal/web"
)

// httpSizes are the lengths of the bodies that are asked for.
func httpSizes() []int { return []int{1 << 10, 64 << 10} }

func httpPath(size int) string { return "/" + strconv.Itoa(size) }

// A site has a body of each length, which a shared cache may keep for an hour.
type site struct {
	handler http.Handler
	made    atomic.Int64 // responses, not those of a cache
	close   func() error
}

func newSite(kind string) (*site, error) {
	s := &site{close: func() error { return nil }}
	if kind == httpOrigin {
		s.handler = s.plain()
		return s, nil
	}
	var through []echo.MiddlewareFunc
	if kind == httpCached {
		responses, end, err := newHTTPCache()
		if err != nil {
			return nil, err
		}
		s.close = end
		through = append(through, web.Adapt(responses.Handler))
	}
	s.handler = s.echo(through...)
	return s, nil
}

// plain is the site without Echo.
func (s *site) plain() http.Handler {
	mux := http.NewServeMux()
	for _, size := range httpSizes() {
		body := entryValue(size)
		mux.HandleFunc("GET "+httpPath(size), func(w http.ResponseWriter, _ *http.Request) {
			s.head(w.Header(), size)
			w.Header().Set("Content-Type", echo.MIMEOctetStream)
			_, _ = w.Write(body)
		})
	}
	return mux
}

// echo is the site with the service's stack. It has no log, for to write a line takes all of them the same time.
func (s *site) echo(through ...echo.MiddlewareFunc) http.Handler {
	e := web.New(web.Options{RequestTimeout: httpTimeout, MaxBodyBytes: 5 << 20})
	for _, size := range httpSizes() {
		body := entryValue(size)
		e.GET(httpPath(size), func(c echo.Context) error {
			s.head(c.Response().Header(), size)
			return c.Blob(http.StatusOK, echo.MIMEOctetStream, body)
		}, through...)
	}
	return e
}

// head counts the response. Its length is there because a cache knows it: without, net/http would send the longer body in chunks, and lose by it.
func (s *site) head(h http.Header, size int) {
	s.made.Add(1)
	h.Set("Cache-Control", "max-age=3600")
	h.Set("Content-Length", strconv.Itoa(size))
}

// newHTTPCache returns a cache over memory that keeps what handlers allow, and what closes it.
func newHTTPCache() (responses *httpcache.Cache, end func() error, err error) {
	store, err := memstore.New(nil)
	if err != nil {
		return nil, nil, err
	}
	c, err := cache.New(store, nil)
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	if responses, err = httpcache.New(c, &httpcache.Options{Name: "bench"}); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return responses, func() error { return errors.Join(responses.Close(), c.Close()) }, nil
}
