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

	// RequestTimeout and 10 seconds more is how long headers and body together may take to arrive. An Echo made by [New]
	// has the nearer limit of its Options.RequestTimeout; this one is for every other handler. 0: no limit.
	RequestTimeout time.Duration

	// BaseContext gives the context that all requests' contexts come from. nil: context.Background.
	BaseContext func(net.Listener) context.Context
}

// NewServer makes a server for h that no slow or idle client can hold on to: headers must arrive within 10 seconds and
// be at most 64 KiB, bodies have RequestTimeout more, an idle connection is closed after two minutes. There is no
// WriteTimeout, because it would end streams: an Echo made by [New] gives each write 30 seconds instead, until the
// handler sets a write deadline itself. OPTIONS * goes to h like any other request.
func NewServer(h http.Handler, o ServerOptions) *http.Server {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &http.Server{
		Handler: h,
		// What net/http answers for OPTIONS * would have no request id and no log line.
		DisableGeneralOptionsHandler: true,

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
