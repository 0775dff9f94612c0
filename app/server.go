package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/larder-go/larder/internal/web"
	"github.com/larder-go/larder/settings"
)

// server is the listener and the connections.
type server struct {
	settings settings.HTTP
	http     *http.Server       // nil: nothing listens
	end      context.CancelFunc // ends the context of every request
	listener net.Listener
	failed   chan error
}

func newServer(s settings.HTTP) *server {
	return &server{settings: s, end: func() {}, failed: make(chan error, 1)}
}

// listen makes the next start serve h. The context of every request comes from base, which is not the signal's: a request that is
// being served when the stop begins is finished, not cancelled.
func (s *server) listen(base context.Context, h http.Handler, logger *slog.Logger) {
	base, s.end = context.WithCancel(base)
	s.http = web.NewServer(h, web.ServerOptions{
		Logger:         logger,
		RequestTimeout: s.settings.RequestTimeout,
		BaseContext:    func(net.Listener) context.Context { return base },
	})
}

func (s *server) start(ctx context.Context) error {
	if s.http == nil { // Start without Run
		return nil
	}
	address := net.JoinHostPort(s.settings.Host, strconv.Itoa(s.settings.Port))
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return listenProblem(s.settings, address, err)
	}
	s.listener = l
	go func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve on %s: %w", address, err)
		}
	}()
	return nil
}

func (s *server) address() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// stop lets requests finish for as long as ctx allows. What is left then is told so by its context, and its connection closed.
func (s *server) stop(ctx context.Context) error {
	if s.http == nil {
		return nil
	}
	begun := time.Now()
	err := s.http.Shutdown(ctx)
	s.end() // after a clean shutdown there is nobody left to hear it
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("requests were still being served after %v: their connections were closed", time.Since(begun).Round(time.Millisecond)), s.http.Close())
}

// listenProblem names what looks like a failure of the network and is a mistake.
func listenProblem(s settings.HTTP, address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return settings.Problem{Var: "APP_PORT", Value: strconv.Itoa(s.Port), Why: "another process listens on " + address, Allowed: "a port that is free"}
	case errors.Is(err, os.ErrPermission):
		return settings.Problem{Var: "APP_PORT", Value: strconv.Itoa(s.Port), Why: "this user may not listen on it", Allowed: "1024 to 65535 without privileges"}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return settings.Problem{Var: "APP_HOST", Value: s.Host, Why: "no interface of this machine has the address", Allowed: "127.0.0.1, 0.0.0.0, or an address of this machine"}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return settings.Problem{Var: "APP_HOST", Value: s.Host, Why: "no such host", Allowed: "an IP address, or a name that resolves to one of this machine"}
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}
