// Command cacheproxy puts the HTTP cache in front of any server: a reverse proxy that keeps, in memory, what its origin allows a shared cache to keep
// (RFC 9111). It is what test suites for HTTP caches and load generators are pointed at. From the root of the repository:
//
//	go run -C internal/bench ./cacheproxy -listen :8080 -origin http://127.0.0.1:3000
//
// Clients are believed in nothing: what they say in X-Forwarded-For and the like is replaced, and -obey is needed for no-cache and the other
// directives of a request to be followed. The origin is asked for the Host that the client named.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/cache/memstore"
)

const (
	maxEntries = 100_000
	maxBytes   = 512 << 20
	// idleConns is how many connections to the origin are kept: net/http keeps two, and opens a new one for nearly each miss of a crowd.
	idleConns = 256

	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	stopTimeout       = 10 * time.Second // for the requests that are still served when it is to end
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the command line.
type options struct {
	listen string
	origin *url.URL
	obey   bool
}

// run is the program. It returns the exit code: 0 where it ended because ctx did.
func run(ctx context.Context, args []string, out, problems io.Writer) int {
	var o options
	flags := flag.NewFlagSet("cacheproxy", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the `address` to listen at; port 0 is any that is free")
	origin := flags.String("origin", "", "the `URL` of the server behind, http or https; a path in it goes before the requests' own")
	flags.BoolVar(&o.obey, "obey", false, "follow the cache directives of requests")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	var err error
	if o.origin, err = parseOrigin(*origin); err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("there is an argument %q; all are flags", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(problems, "cacheproxy:", err)
		return 2
	}
	if err := serve(ctx, o, out, log.New(problems, "cacheproxy: ", log.LstdFlags)); err != nil {
		fmt.Fprintln(problems, "cacheproxy:", err)
		return 1
	}
	return 0
}

func parseOrigin(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("-origin is missing: the URL of the server to put the cache in front of, such as http://127.0.0.1:3000")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("-origin is no URL of a server; allowed: http://HOST[:PORT][/PATH], or https, without a user, a query or a fragment")
	}
	return u, nil
}

// serve listens until ctx ends, and then lets requests end.
func serve(ctx context.Context, o options, out io.Writer, problems *log.Logger) (err error) {
	handler, closeCache, err := newHandler(o, problems)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeCache()) }()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ErrorLog:          problems,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		// What OPTIONS * allows is the origin's to say.
		DisableGeneralOptionsHandler: true,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	if _, err := fmt.Fprintf(out, "listening on http://%s for %s\n", l.Addr(), o.origin); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), server.Close())
	}
	return nil
}

// newHandler returns the proxy behind its cache, and what closes the cache.
func newHandler(o options, problems *log.Logger) (h http.Handler, end func() error, err error) {
	store, err := memstore.New(&memstore.Options{MaxEntries: maxEntries, MaxBytes: maxBytes})
	if err != nil {
		return nil, nil, err
	}
	c, err := cache.New(store, nil)
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	responses, err := httpcache.New(c, &httpcache.Options{
		ObeyClients: o.obey,
		// What may be kept is the origin's to say, also of an error.
		Rule: httpcache.Rule{Filter: func(*http.Request, int, http.Header) bool { return true }},
	})
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	end = func() error { return errors.Join(responses.Close(), c.Close()) }
	return responses.Handler(newProxy(o.origin, problems)), end, nil
}

// newProxy passes requests on to the origin as they came, but for what says where they came from.
func newProxy(origin *url.URL, problems *log.Logger) *httputil.ReverseProxy {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = idleConns, idleConns
	// Else the transport asks for gzip by itself, and hands on another body than the origin's.
	transport.DisableCompression = true
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// Also what net/url cannot parse: it is part of the key that the response is kept under.
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.SetURL(origin)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: transport,
		ErrorLog:  problems,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil { // else the client has left
				problems.Printf("%s %q: %v", r.Method, r.URL.Path, err)
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
}
