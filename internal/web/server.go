package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	readHeaderTimeout = 10 * time.Second
	// idleTimeout is longer than that of the usual load balancers, which must be the ones to close: else they send a
	// request into a connection that is going away.
	idleTimeout    = 120 * time.Second
	maxHeaderBytes = 64 << 10
)

// ServerOptions is what [NewServer] has to be told. The zero value is valid.
type ServerOptions struct {
	// Logger gets what net/http has to say, as warnings. nil discards it.
	Logger *slog.Logger

	// RequestTimeout is how long a body may take to arrive after its headers, which have 10 seconds; a handler
	// that reads from a slower one gets an error that becomes a 408. 0: no limit. A handler that expects long uploads
	// moves the limit with http.ResponseController.SetReadDeadline.
	RequestTimeout time.Duration

	// BaseContext gives the context that all requests' contexts come from. nil: context.Background.
	BaseContext func(net.Listener) context.Context
}

// NewServer makes a server for h that no slow or idle client can hold on to: headers must arrive within 10 seconds and
// be at most 64 KiB, bodies have RequestTimeout more, an idle connection is closed after two minutes. There is no
// WriteTimeout, because it would end streams: an Echo made by [New] gives each write 30 seconds instead, until the
// handler sets a write deadline itself.
func NewServer(h http.Handler, o ServerOptions) *http.Server {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		BaseContext:       o.BaseContext,
	}
	if o.RequestTimeout > 0 {
		s.ReadTimeout = readHeaderTimeout + o.RequestTimeout
	}
	return s
}
